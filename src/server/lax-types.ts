import * as v from 'valibot'
import type { EngineError } from '../errors.ts'
import { malformedBody } from './errors.ts'

// vLLM reads bodies with pydantic, which takes "0.5" for a number and says what it could not take
// in its own words. Clients see these words, so the schemas here report pydantic's error types.

const pydanticMessages = {
  missing: 'Field required',
  float_type: 'Input should be a valid number',
  float_parsing: 'Input should be a valid number, unable to parse string as a number',
  int_type: 'Input should be a valid integer',
  int_parsing: 'Input should be a valid integer, unable to parse string as an integer',
  finite_number: 'Input should be a finite number',
  int_from_float: 'Input should be a valid integer, got a number with a fractional part',
  bool_type: 'Input should be a valid boolean',
  bool_parsing: 'Input should be a valid boolean, unable to interpret input',
  string_type: 'Input should be a valid string',
  list_type: 'Input should be a valid list',
  dict_type: 'Input should be a valid dictionary',
  model_attributes_type: 'Input should be a valid dictionary or object to extract fields from',
}

type PydanticType = keyof typeof pydanticMessages

/** Types whose text depends on the field carry it along. */
type WordedType =
  | 'literal_error'
  | 'greater_than_equal'
  | 'less_than_equal'
  | 'too_short'
  | 'dataclass_type'

class Mismatch {
  readonly type: PydanticType | `${WordedType}: ${string}`
  constructor(type: Mismatch['type']) {
    this.type = type
  }
}

const lax = <T>(read: (input: unknown) => T | Mismatch) =>
  v.pipe(
    v.unknown(),
    v.rawTransform<unknown, T>(({ dataset, addIssue, NEVER }) => {
      const result = read(dataset.value)
      if (!(result instanceof Mismatch)) return result
      addIssue({ message: result.type })
      return NEVER
    }),
  )

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i
const infinite = /^[+-]?inf(inity)?$/i

/** A number as Python's `float` reads it, which knows no hexadecimal digits. */
const parseFloatText = (given: string): number | null => {
  const text = given.trim()
  if (decimal.test(text)) return Number(text)
  if (infinite.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  return /^[+-]?nan$/i.test(text) ? Number.NaN : null
}

const readNumber = (input: unknown): number | Mismatch => {
  if (typeof input === 'number') return input
  if (typeof input === 'boolean') return Number(input)
  if (typeof input !== 'string') return new Mismatch('float_type')
  return parseFloatText(input) ?? new Mismatch('float_parsing')
}

const readInteger = (input: unknown): number | Mismatch => {
  if (typeof input === 'number') {
    if (!Number.isFinite(input)) return new Mismatch('finite_number')
    return Number.isInteger(input) ? input : new Mismatch('int_from_float')
  }
  if (typeof input === 'boolean') return Number(input)
  if (typeof input !== 'string') return new Mismatch('int_type')
  return /^\s*[+-]?\d+(\.0+)?\s*$/.test(input) ? Number(input) : new Mismatch('int_parsing')
}

/** Beyond it pydantic no longer takes a number for a boolean that is out of range. */
const largestInteger = 2 ** 63

const readBoolean = (input: unknown): boolean | Mismatch => {
  if (typeof input === 'boolean') return input
  if (typeof input === 'number') {
    const isInteger = Number.isInteger(input) && Math.abs(input) < largestInteger
    if (!isInteger) return new Mismatch('bool_type')
  } else if (typeof input !== 'string') {
    return new Mismatch('bool_type')
  }
  const word = String(input).toLowerCase()
  if (['true', '1', 'yes', 'y', 'on', 't'].includes(word)) return true
  if (['false', '0', 'no', 'n', 'off', 'f'].includes(word)) return false
  return new Mismatch('bool_parsing')
}

/** A JSON object. */
export const isRecord = (input: unknown): input is Readonly<Record<string, unknown>> =>
  typeof input === 'object' && input !== null && !Array.isArray(input)

export const number = lax(readNumber)
export const integer = lax(readInteger)
export const boolean = lax(readBoolean)

type Range = { readonly least?: number | bigint; readonly most?: number | bigint }

/** An integer in [least, most]. */
export const integerWithin = ({ least = -Infinity, most = Infinity }: Range) =>
  lax((input) => {
    const value = readInteger(input)
    if (value instanceof Mismatch) return value
    if (value < least) {
      return new Mismatch(`greater_than_equal: Input should be greater than or equal to ${least}`)
    }
    if (value > most) {
      return new Mismatch(`less_than_equal: Input should be less than or equal to ${most}`)
    }
    return value
  })

export const string = lax((input) =>
  typeof input === 'string' ? input : new Mismatch('string_type'),
)

export const record = lax((input) => (isRecord(input) ? input : new Mismatch('dict_type')))

/** valibot reports an absent key through the object around it. */
const typeOf = ({ type, received, message }: v.BaseIssue<unknown>): string =>
  type.endsWith('object') && received === 'undefined' ? 'missing' : message

export const recordOf = <Value extends v.GenericSchema>(value: Value) =>
  v.pipe(record, v.record(v.string(), value))

/** An object whose other fields stay as they came. */
export const withOthers = <Entries extends v.ObjectEntries>(entries: Entries) =>
  v.pipe(record, v.looseObject(entries))

/** Tells the first wrong item alone: a body may hold a million of them. */
export const list = <Item extends v.GenericSchema>(item: Item) =>
  v.pipe(
    v.unknown(),
    v.rawTransform<unknown, v.InferOutput<Item>[]>(({ dataset, addIssue, NEVER }) => {
      const input = dataset.value
      if (!Array.isArray(input)) {
        addIssue({ message: 'list_type' satisfies PydanticType })
        return NEVER
      }
      const items: v.InferOutput<Item>[] = []
      for (const [key, value] of input.entries()) {
        const result = v.safeParse(item, value)
        if (result.success) {
          items.push(result.output)
          continue
        }
        const step = { type: 'array', origin: 'value', input, key, value } as const
        for (const issue of result.issues) {
          const path = [step, ...(issue.path ?? [])] as const
          addIssue({ message: typeOf(issue), input: issue.input, path: [...path] })
        }
        return NEVER
      }
      return items
    }),
  )

export const nonEmptyList = <Item extends v.GenericSchema>(item: Item) =>
  v.pipe(
    lax((input) =>
      Array.isArray(input) && input.length === 0
        ? new Mismatch('too_short: List should have at least 1 item after validation, not 0')
        : input,
    ),
    list(item),
  )

const recordOr = (mismatch: Mismatch['type']) =>
  lax((input) => (isRecord(input) ? input : new Mismatch(mismatch)))

/** Keys without an entry are dropped. */
export const object = <Entries extends v.ObjectEntries>(entries: Entries) =>
  v.pipe(recordOr('model_attributes_type'), v.object(entries))

/** As {@link object}, with all keys. */
export const openObject = <Entries extends v.ObjectEntries>(
  entries: Entries,
  mismatch: PydanticType = 'model_attributes_type',
) => v.pipe(recordOr(mismatch), v.looseObject(entries))

/** As {@link object}, for what is one of Python's data classes in vLLM. */
export const dataObject = <Entries extends v.ObjectEntries>(className: string, entries: Entries) =>
  v.pipe(
    recordOr(`dataclass_type: Input should be a dictionary or an instance of ${className}`),
    v.object(entries),
  )

export const oneOf = <const Word extends string>(words: readonly Word[]) => {
  const quoted = words.map((word) => `'${word}'`)
  const expected = [quoted.slice(0, -1).join(', '), quoted.at(-1)].filter(Boolean).join(' or ')
  return lax(
    (input) =>
      words.find((word) => word === input) ??
      new Mismatch(`literal_error: Input should be ${expected}`),
  )
}

/** A JSON value as Python's `str` writes it. */
export const pythonText = (value: unknown): string =>
  typeof value === 'string' ? value : pythonRepr(value)

/** A number as Python writes a `float`. */
export const pythonFloat = (value: number): string => {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf'
  if (Number.isInteger(value) && Math.abs(value) < 1e16) return `${value}.0`
  const text = Math.abs(value) >= 1e16 ? value.toExponential() : String(value)
  return text.replace(/e(?<sign>[+-])(?=\d$)/, 'e$<sign>0')
}

/** A JSON value as Python's `repr` writes it. */
export const pythonRepr = (value: unknown): string => {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'string') {
    const escaped = value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
    return value.includes("'") && !value.includes('"')
      ? `"${escaped}"`
      : `'${escaped.replaceAll("'", "\\'")}'`
  }
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(', ')}]`
  if (isRecord(value)) {
    const entries = Object.entries(value).map(([k, e]) => `${pythonRepr(k)}: ${pythonRepr(e)}`)
    return `{${entries.join(', ')}}`
  }
  return JSON.stringify(value)
}

export type BodyIssue = {
  readonly type: string
  /** Keys from the body's root. */
  readonly path: readonly (string | number)[]
  readonly message: string
  readonly input: unknown
}

/** The 400 that FastAPI makes of pydantic's findings. */
export const bodyError = (issues: readonly BodyIssue[]): EngineError => {
  const lines = issues.map(({ type, path, message, input }) => {
    const location = ['body', ...path].map(pythonRepr)
    const tuple = location.length === 1 ? `(${location[0]},)` : `(${location.join(', ')})`
    const facts = [
      `'type': ${pythonRepr(type)}`,
      `'loc': ${tuple}`,
      `'msg': ${pythonRepr(message)}`,
      `'input': ${pythonRepr(input)}`,
    ]
    return `  {${facts.join(', ')}}`
  })
  const count = `${issues.length} validation error${issues.length === 1 ? '' : 's'}:`
  const parameter = ['body', ...(issues[0]?.path ?? [])].join('.')
  return malformedBody([count, ...lines].join('\n'), parameter)
}

/** @throws EngineError in pydantic's words where one of the fields is not there. */
export const demand = (
  given: Readonly<Record<string, unknown>>,
  fields: readonly string[],
  path: BodyIssue['path'],
) => {
  const missing = fields.filter((field) => given[field] == null)
  if (missing.length === 0) return
  throw bodyError(
    missing.map((field) => ({
      type: 'missing',
      path: [...path, field],
      message: 'Field required',
      input: given,
    })),
  )
}

const isPydanticType = (type: string): type is PydanticType => type in pydanticMessages

const toBodyIssue = (issue: v.BaseIssue<unknown>): BodyIssue => {
  const keys = (issue.path ?? []).map((item) => item.key)
  const path = keys.filter((key) => typeof key === 'string' || typeof key === 'number')
  const type = typeOf(issue)
  if (isPydanticType(type)) {
    // What lacks a field is told whole.
    const input = type === 'missing' ? issue.path?.at(-1)?.input : issue.input
    return { type, path, message: pydanticMessages[type], input }
  }
  const [kind = type, message = type] = type.split(': ')
  return { type: kind, path, message, input: issue.input }
}

/** @throws EngineError with pydantic's wording for fields of a wrong type. */
export const parseBody = <Schema extends v.GenericSchema>(
  schema: Schema,
  body: unknown,
): v.InferOutput<Schema> => {
  const result = v.safeParse(schema, body)
  if (result.success) return result.output
  throw bodyError(result.issues.map(toBodyIssue))
}
