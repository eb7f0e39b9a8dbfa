import { Environment } from '@huggingface/jinja'
import { toPythonJson, type PythonJsonOptions, type TemplateValue } from './python-json.ts'
import { repeatText, stringMethods } from './python-strings.ts'
import { formatText, toPythonText } from './python-text.ts'

type RuntimeValue = ReturnType<Environment['set']>
type RuntimeFunction = Extract<RuntimeValue, { value: (...args: never[]) => unknown }>

/** What a template says through `raise_exception`: the model's own complaint about the request. */
export class TemplateException extends Error {
  override readonly name = 'TemplateException'
}

const isFunction = (value: RuntimeValue): value is RuntimeFunction =>
  typeof value.value === 'function'

/** Lends a plain value to the running template. */
const toRuntime = (value: unknown) => new Environment().set('value', value)

/** A function that sees runtime values: plain ones can't tell 1.0 from 1, or keyword arguments. */
const setFunction = (
  environment: Environment,
  name: string,
  apply: (args: readonly TemplateValue[]) => unknown,
) => {
  const runtimeFunction = environment.set(name, () => null)
  if (isFunction(runtimeFunction)) {
    runtimeFunction.value = (args) => toRuntime(apply(args))
  }
}

/** Names that no template uses, so that its own variables are safe. */
export const helperName = (name: string) => `quire ${name}`

const readJsonOptions = (args: readonly TemplateValue[]): PythonJsonOptions => {
  const last = args.at(-1)
  const keywords: Map<string, TemplateValue> =
    last?.type === 'KeywordArgumentsValue' && last.value instanceof Map ? last.value : new Map()
  const positional = args.filter((argument) => argument.type !== 'KeywordArgumentsValue')
  const read = (position: number, name: string) =>
    keywords.get(name)?.value ?? positional[position]?.value ?? null
  const indent = read(1, 'indent')
  const separators = read(2, 'separators')
  const [item, key] = Array.isArray(separators)
    ? separators.map((entry: TemplateValue) => entry.value)
    : []
  return {
    ensureAscii: read(0, 'ensure_ascii') === true,
    indent: typeof indent === 'number' ? indent : null,
    separators: typeof item === 'string' && typeof key === 'string' ? [item, key] : null,
    sortKeys: read(3, 'sort_keys') === true,
  }
}

/** The bound of Jinja's sandbox, which transformers renders templates in. */
const maxRange = 100_000

const range = (first: number, second?: number, step = 1): number[] => {
  const start = second === undefined ? 0 : first
  const stop = second ?? first
  if (step === 0) throw new Error('range() arg 3 must not be zero')
  const length = Math.max(0, Math.ceil((stop - start) / step))
  if (!(length <= maxRange)) throw new Error(`Range too big. The maximum is ${maxRange} elements.`)
  return Array.from({ length }, (_, index) => start + index * step)
}

const pad = (value: number, length = 2) => String(value).padStart(length, '0')

/** Python's `strftime` in its C locale, whatever the browser's language. */
export const formatTime = (date: Date, format: string): string => {
  const english = (options: Intl.DateTimeFormatOptions) => date.toLocaleString('en-US', options)
  const hour12 = date.getHours() % 12 || 12
  const startOfYear = Date.UTC(date.getFullYear(), 0, 0)
  const today = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate())
  const fields: Readonly<Record<string, () => string>> = {
    Y: () => String(date.getFullYear()),
    y: () => pad(date.getFullYear() % 100),
    m: () => pad(date.getMonth() + 1),
    d: () => pad(date.getDate()),
    j: () => pad((today - startOfYear) / 86_400_000, 3),
    B: () => english({ month: 'long' }),
    b: () => english({ month: 'short' }),
    A: () => english({ weekday: 'long' }),
    a: () => english({ weekday: 'short' }),
    H: () => pad(date.getHours()),
    I: () => pad(hour12),
    p: () => (date.getHours() < 12 ? 'AM' : 'PM'),
    M: () => pad(date.getMinutes()),
    S: () => pad(date.getSeconds()),
    '%': () => '%',
  }
  return format.replace(/%(.)/g, (directive, letter: string) => fields[letter]?.() ?? directive)
}

const undefinedValue: TemplateValue = { type: 'UndefinedValue', value: undefined }

/** Tests that hold of more in Python: a mapping can be iterated, and True is a number. */
export const pythonTests: Readonly<Record<string, (value: unknown) => boolean>> = {
  iterable: (value) => typeof value === 'string' || Array.isArray(value) || value instanceof Map,
  number: (value) => typeof value === 'number' || typeof value === 'boolean',
}

/** Texts, numbers and lists of them. */
const toPlain = ({ value }: TemplateValue): unknown =>
  Array.isArray(value) ? value.map((item: TemplateValue) => item.value) : value

/** The globals that transformers gives a chat template, and Python's own behaviour. */
export const createTemplateEnvironment = (
  variables: Readonly<Record<string, unknown>>,
): Environment => {
  const environment = new Environment()
  const constants = { true: true, false: false, none: null, True: true, False: false, None: null }
  const functions = {
    range,
    raise_exception: (message: unknown) => {
      throw new TemplateException(String(message))
    },
    strftime_now: (format: string) => formatTime(new Date(), format),
  }
  for (const [name, value] of Object.entries({ ...constants, ...functions, ...variables })) {
    environment.set(name, value)
  }
  setFunction(environment, helperName('tojson'), ([input, ...args]) =>
    toPythonJson(input ?? undefinedValue, readJsonOptions(args)),
  )
  setFunction(environment, helperName('print'), ([input]) => toPythonText(input ?? undefinedValue))
  setFunction(environment, helperName('format'), ([text, ...values]) => {
    if (typeof text?.value === 'string') return formatText(text.value, values)
    throw new Error('format works on a string')
  })
  for (const [name, test] of Object.entries(pythonTests)) {
    setFunction(environment, helperName(name), ([input]) => test(input?.value))
  }
  setFunction(environment, helperName('repeat'), (args) => {
    const [first, second] = args.map(({ value }) => value)
    const [text, count] = typeof first === 'string' ? [first, second] : [second, first]
    if (typeof text === 'string' && typeof count === 'number') return repeatText(text, count)
    throw new Error('A text can be multiplied by a number alone')
  })
  for (const [name, method] of Object.entries(stringMethods)) {
    setFunction(environment, helperName(name), ([text, ...args]) => {
      if (typeof text?.value !== 'string') throw new Error(`${name}() works on a string`)
      const [first, second] = args.map(toPlain)
      return method(text.value, first, second)
    })
  }
  return environment
}
