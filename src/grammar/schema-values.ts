import { quote } from '../errors.ts'
import type { JsonGrammar } from './json-grammar.ts'
import { multiplesGrammar, type Step } from './multiples-grammar.ts'
import { type Bound, decimalOf, integerGrammar, numberGrammar } from './number-grammar.ts'
import { refuseConstraint } from './refusal.ts'
import { choice } from './rules.ts'
import { childPath, isEqual, readCount, readList, type Schema } from './schema-node.ts'
import { annotatingFormats, stringFormats } from './string-formats.ts'

/** What turns the schemas of a value's parts into grammars. */
export type Converter = {
  readonly json: JsonGrammar
  readonly options: { readonly disableAdditionalProperties?: boolean }
  inside(schema: unknown, path: string): string | null
  listed(schema: unknown, path: string): readonly unknown[] | null
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
  // Up to draft 4, and in OpenAPI 3.0, this said how the other bound is meant.
  if (typeof value === 'boolean' && keyword.startsWith('exclusive')) return null
  const exclusive =
    keyword.startsWith('exclusive') ||
    schema[keyword === 'minimum' ? 'exclusiveMinimum' : 'exclusiveMaximum'] === true
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

type Bounds = { readonly low: Bound | null; readonly high: Bound | null }

/** The bound that leaves less: the larger one below (`sign` 1), the smaller one above (-1). */
const lowest = (a: Bound | null, b: Bound | null, sign: 1 | -1): Bound | null => {
  if (a === null || b === null) return a ?? b
  if (a.value === b.value) return a.exclusive ? a : b
  return sign * a.value > sign * b.value ? a : b
}

/**
 * The first number of so many digits behind the point that a bound allows, going up (`step` 1) or down
 * (-1), in units of its last digit.
 */
const firstWithin = ({ value, exclusive }: Bound, step: 1 | -1, digits = 0): bigint => {
  const { integer, fraction } = decimalOf(value)
  const size =
    integer * 10n ** BigInt(digits) + BigInt(fraction.slice(0, digits).padEnd(digits, '0') || 0)
  const isBetween = Number(fraction.slice(digits)) > 0
  const inwards = value < 0 ? -size : size
  const passes = isBetween ? value < 0 === (step === -1) : exclusive
  return passes ? inwards + BigInt(step) : inwards
}

/** The regular expression of a format; null where it says nothing about the text. */
const formatPattern = (schema: Schema, path: string): string | null => {
  const { pattern, format } = schema
  if (format === undefined) return null
  const name = typeof format === 'string' ? format : quote(format)
  if (Object.hasOwn(stringFormats, name)) return `^(${stringFormats[name]})$`
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

/** As many remainders are followed, digit by digit. */
const largestUnit = 4096

/** The step that a "multipleOf" asks for; null for any number. */
const readStep = ({ multipleOf }: Schema, path: string): Step | null => {
  if (multipleOf === undefined) return null
  if (typeof multipleOf === 'number' && multipleOf > 0) {
    const { integer, fraction } = decimalOf(multipleOf)
    const unit = Number(`${integer}${fraction}`)
    if (unit > 0 && unit <= largestUnit && fraction.length <= 10) {
      return { unit, digits: fraction.length }
    }
  }
  throw refuseConstraint(
    `"multipleOf" must be above zero, and up to ${largestUnit} without its point, got ${JSON.stringify(multipleOf)}.`,
    path,
  )
}

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b))

/** Multiples with no, some or all of the digits that a step has behind the point. */
const multiples = (json: JsonGrammar, step: Step, bounds: Bounds, mostDigits: number) => {
  const options: (string | null)[] = []
  for (let digits = 0; digits <= Math.min(step.digits, mostDigits); digits += 1) {
    const unit = step.unit / commonDivisor(step.unit, 10 ** (step.digits - digits))
    const low = bounds.low && firstWithin(bounds.low, 1, digits)
    const high = bounds.high && firstWithin(bounds.high, -1, digits)
    options.push(multiplesGrammar(json.rules, { unit, digits }, { low, high }))
  }
  const some = options.filter((option) => option !== null)
  return some.length === 0 ? null : choice(some)
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
  const step = readStep(schema, path)
  const add = (body: string | null) => (body === null ? null : json.rules.add(type, body))
  if (step !== null && step.unit > 1) {
    return add(multiples(json, step, { low, high }, type === 'integer' ? 0 : step.digits))
  }
  if (type === 'integer' || step?.digits === 0) {
    return add(integerGrammar(low && firstWithin(low, 1), high && firstWithin(high, -1)))
  }
  if (low === null && high === null && step === null) return json.number()
  return add(numberGrammar(low, high, step?.digits))
}

/** Of listed values, those that may come next: behind each one, and for each count of those before. */
const mostFollowers = 20_000

/** Lists of values that are listed themselves, each at most once and in that order. */
const distinctGrammar = (converter: Converter, schema: Schema, path: string): string | null => {
  const { items, prefixItems } = schema
  const values = prefixItems === undefined ? converter.listed(items, path) : null
  if (values === null) {
    throw refuseConstraint(
      '"uniqueItems" can be kept only where the items are listed by an "enum". Leave it out and check ' +
        'the answer yourself.',
      path,
    )
  }
  const min = readCount(schema, 'minItems', 0, path)
  const max = readCount(schema, 'maxItems', null, path)
  const numItems = values.length
  const numCounts = Math.max(1, Math.min(min, numItems), max !== null && max < numItems ? max : 0)
  if (numItems ** 2 * numCounts > mostFollowers) {
    throw refuseConstraint(
      `"uniqueItems" can not be kept for a list of ${numItems} values. Leave it out and check the ` +
        'answer yourself, or list fewer.',
      path,
    )
  }
  const distinct = values.filter(
    (value, at) => values.findIndex((other) => isEqual(other, value)) === at,
  )
  const bodies = distinct.map((value) =>
    converter.inside({ allOf: [items, { const: value }] }, childPath(path, 'items')),
  )
  const { json } = converter
  const body = json.distinct(
    bodies.filter((one) => one !== null),
    min,
    max,
  )
  return body === null ? null : json.rules.add('list', body)
}

/** The lists of a schema; null where there is none. */
export const listGrammar = (converter: Converter, schema: Schema, path: string): string | null => {
  const { items } = schema
  if (schema['uniqueItems'] === true && schema['maxItems'] !== 1) {
    return distinctGrammar(converter, schema, path)
  }
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
