import { quote } from '../errors.ts'
import type { JsonGrammar } from './json-grammar.ts'
import { type Bound, integerGrammar, numberGrammar } from './number-grammar.ts'
import { refuseConstraint } from './refusal.ts'
import { childPath, readCount, readList, type Schema } from './schema-node.ts'
import { annotatingFormats, shortFormats, stringFormats } from './string-formats.ts'

/** What turns the schemas of a value's parts into grammars. */
export type Converter = {
  readonly json: JsonGrammar
  readonly options: { readonly disableAdditionalProperties?: boolean }
  inside(schema: unknown, path: string): string | null
}

/** Numbers have no more digits: see `number-grammar.ts`. */
const farthest = 1e20

/**
 * A bound of more digits than a double keeps for certain. Within the safe integers it is exact; one
 * further out, as libraries write it for the range of a type, is moved inwards by its rounding.
 */
const readFarBound = (value: number, isLower: boolean, exclusive: boolean): number | null => {
  if (Number.isSafeInteger(value)) return exclusive ? value + (isLower ? 1 : -1) : value
  const isOuter = Math.abs(value) >= 1e15 && isLower === value < 0
  if (!isOuter) return null
  return Math.sign(value) * Math.min(Math.abs(value), farthest) * (1 - Number.EPSILON)
}

const readBound = (schema: Schema, keyword: string, path: string): Bound | null => {
  const value = schema[keyword]
  if (value === undefined) return null
  const exclusive = keyword.startsWith('exclusive')
  if (typeof value === 'number') {
    if (Math.abs(value) < 1e15 && Number(value.toFixed(15)) === value) return { value, exclusive }
    const far = readFarBound(value, /minimum/i.test(keyword), exclusive)
    if (far !== null) return { value: far, exclusive: false }
  }
  throw refuseConstraint(
    `"${keyword}" must be a number of up to 15 digits, got ${JSON.stringify(value) ?? 'undefined'}.`,
    path,
  )
}

/** The bound that leaves less: the larger one below (`sign` 1), the smaller one above (-1). */
const lowest = (a: Bound | null, b: Bound | null, sign: 1 | -1): Bound | null => {
  if (a === null || b === null) return a ?? b
  if (a.value === b.value) return a.exclusive ? a : b
  return sign * a.value > sign * b.value ? a : b
}

/** The first integer that a bound allows, going up (`step` 1) or down (-1). */
const whole = ({ value, exclusive }: Bound, step: 1 | -1): bigint => {
  const nearest = BigInt(step === 1 ? Math.ceil(value) : Math.floor(value))
  return exclusive && Number.isInteger(value) ? nearest + BigInt(step) : nearest
}

/** The regular expression of a format; null where it says nothing about the text. */
const formatPattern = (schema: Schema, path: string): string | null => {
  const { pattern, format } = schema
  if (format === undefined) return null
  const name = typeof format === 'string' ? format : quote(format)
  if (Object.hasOwn(stringFormats, name)) {
    const short = schema['maxLength'] === undefined ? undefined : shortFormats[name]
    return `^(${short ?? stringFormats[name]})$`
  }
  // A format describes, says JSON Schema, and a pattern asserts: zod and others give both.
  if (annotatingFormats.has(name) || pattern !== undefined) return null
  throw refuseConstraint(
    `The format "${name}" is not supported. Quire knows ${Object.keys(stringFormats).join(', ')}.`,
    path,
  )
}

/** The strings of a schema; null where there is none. */
export const stringsGrammar = (json: JsonGrammar, schema: Schema, path: string): string | null => {
  const { pattern } = schema
  const min = readCount(schema, 'minLength', 0, path)
  const max = readCount(schema, 'maxLength', null, path)
  if (max !== null && min > max) return null
  const formatted = formatPattern(schema, path)
  if (pattern === undefined && formatted === null) return json.string(min, max)
  if (pattern === undefined) return json.matching(formatted ?? '', path, { min, max })
  if (typeof pattern !== 'string') throw refuseConstraint('"pattern" must be a string.', path)
  try {
    return json.matching(pattern, path, { min, max })
  } catch (refusal) {
    if (formatted === null) throw refusal
    // As with a lookahead. The format says, more or less, what the pattern means to say.
    try {
      return json.matching(formatted, path, { min, max })
    } catch {
      throw refusal
    }
  }
}

/** How many digits stand behind the point, by a "multipleOf" such as 0.01; null for any number. */
const readDecimals = ({ multipleOf }: Schema, path: string): number | null => {
  if (multipleOf === undefined) return null
  const decimals = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].find((n) => multipleOf === Number(`1e-${n}`))
  if (decimals !== undefined) return decimals
  throw refuseConstraint(
    `"multipleOf" is kept for 1, 0.1, 0.01 and so on, got ${JSON.stringify(multipleOf)}. Check the answer yourself.`,
    path,
  )
}

/** The numbers of a schema; null where there is none. */
export const numbersGrammar = (
  json: JsonGrammar,
  type: 'number' | 'integer',
  schema: Schema,
  path: string,
): string | null => {
  const low = lowest(
    readBound(schema, 'minimum', path),
    readBound(schema, 'exclusiveMinimum', path),
    1,
  )
  const high = lowest(
    readBound(schema, 'maximum', path),
    readBound(schema, 'exclusiveMaximum', path),
    -1,
  )
  const decimals = readDecimals(schema, path)
  if (type === 'integer' || decimals === 0) {
    const body = integerGrammar(low && whole(low, 1), high && whole(high, -1))
    return body === null ? null : json.rules.add('integer', body)
  }
  if (low === null && high === null && decimals === null) return json.number()
  const body = numberGrammar(low, high, decimals)
  return body === null ? null : json.rules.add('number', body)
}

/** The lists of a schema; null where there is none. */
export const listGrammar = (converter: Converter, schema: Schema, path: string): string | null => {
  const { items } = schema
  const min = readCount(schema, 'minItems', 0, path)
  const max = readCount(schema, 'maxItems', null, path)
  if (max !== null && min > max) return null
  // Before 2020-12 the first items stood in `items`, and the others in `additionalItems`.
  const listed = Array.isArray(items) ? items : readList(schema, 'prefixItems', path)
  const others = Array.isArray(items) ? schema['additionalItems'] : items
  const keyword = Array.isArray(items) ? 'items' : 'prefixItems'
  const first = listed.map((item, at) => converter.inside(item, childPath(path, keyword, at)))
  const rest = converter.inside(
    others ?? (listed.length === 0 || min > listed.length),
    childPath(path, 'items'),
  )
  const numPossible = first.includes(null) ? first.indexOf(null) : null
  const limit = numPossible ?? (rest === null ? first.length : null)
  const most = limit === null ? max : Math.min(limit, max ?? limit)
  if (most !== null && min > most) return null
  const known = first.filter((body) => body !== null).slice(0, most ?? first.length)
  return converter.json.rules.add('list', converter.json.elements(known, rest, min, most))
}
