import { quote } from '../errors.ts'
import type { JsonGrammar } from './json-grammar.ts'
import { type Bound, integerGrammar, numberGrammar } from './number-grammar.ts'
import { refuseConstraint } from './refusal.ts'
import { childPath, readCount, readList, type Schema } from './schema-node.ts'
import { annotatingFormats, stringFormats } from './string-formats.ts'

/** What turns the schemas of a value's parts into grammars. */
export type Converter = {
  readonly json: JsonGrammar
  readonly options: { readonly disableAdditionalProperties?: boolean }
  inside(schema: unknown, path: string): string | null
}

const readBound = (schema: Schema, keyword: string, path: string): Bound | null => {
  const value = schema[keyword]
  if (value === undefined) return null
  const exclusive = keyword.startsWith('exclusive')
  if (typeof value === 'number' && Math.abs(value) < 1e15) {
    const exact = Number(value.toFixed(15)) === value
    if (exact) return { value, exclusive }
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

/** The strings of a schema; null where there is none. */
export const stringsGrammar = (json: JsonGrammar, schema: Schema, path: string): string | null => {
  const { pattern, format } = schema
  const min = readCount(schema, 'minLength', 0, path)
  const max = readCount(schema, 'maxLength', null, path)
  const name = typeof format === 'string' ? format : quote(format)
  const isFormatted = format !== undefined && !annotatingFormats.has(name)
  const numRules = [pattern !== undefined, isFormatted, min > 0 || max !== null].filter(Boolean)
  if (numRules.length > 1) {
    throw refuseConstraint(
      'Only one of "pattern", "format" and a length can be kept for a string.',
      path,
    )
  }
  if (max !== null && min > max) return null
  if (pattern !== undefined) {
    if (typeof pattern === 'string') return json.matching(pattern, path)
    throw refuseConstraint('"pattern" must be a string.', path)
  }
  if (!isFormatted) return json.string(min, max)
  const regex = Object.hasOwn(stringFormats, name) ? stringFormats[name] : undefined
  if (regex !== undefined) return json.formatted(name, regex)
  throw refuseConstraint(
    `The format "${name}" is not supported. Quire knows ${Object.keys(stringFormats).join(', ')}.`,
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
  const { multipleOf } = schema
  if (multipleOf !== undefined && !(type === 'integer' && multipleOf === 1)) {
    throw refuseConstraint('"multipleOf" is not supported. Check the answer yourself.', path)
  }
  if (type === 'integer') {
    const body = integerGrammar(low && whole(low, 1), high && whole(high, -1))
    return body === null ? null : json.rules.add('integer', body)
  }
  if (low === null && high === null) return json.number()
  const body = numberGrammar(low, high)
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
