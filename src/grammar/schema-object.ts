import type { JsonGrammar } from './json-grammar.ts'
import { refuseConstraint } from './refusal.ts'
import { choice, literal, repeat, sequence } from './rules.ts'
import {
  asserts,
  childPath,
  isRecord,
  readCount,
  readNames,
  readRecord,
  type Schema,
} from './schema-node.ts'
import type { Converter } from './schema-values.ts'

/** One property, or each further one, as `"key": value`. */
type Member = { readonly body: string; readonly required: boolean }

const additionalSchema = ({ options }: Converter, schema: Schema): unknown => {
  const given = schema['additionalProperties']
  if (given !== undefined) return given
  const isOpen = schema['properties'] === undefined && schema['patternProperties'] === undefined
  return isOpen && options.disableAdditionalProperties !== true
}

/** Whether a key may match a pattern; any does where there is none. */
const mayBe = (key: string, pattern: string | null): boolean => {
  if (pattern === null) return true
  try {
    return new RegExp(pattern, 'u').test(key)
  } catch {
    return true
  }
}

/** `"key": value` for keys that are none of the listed ones; null where there are none. */
const otherMember = (
  converter: Converter,
  schema: Schema,
  keys: readonly string[],
  path: string,
): string | null => {
  const { json } = converter
  const patterns = Object.entries(readRecord(schema, 'patternProperties', path))
  const names = schema['propertyNames']
  const additional = additionalSchema(converter, schema)
  if (patterns.length === 0 && names === undefined) {
    const value = converter.inside(additional, childPath(path, 'additionalProperties'))
    return value === null ? null : sequence([json.otherKey(keys), json.layout.colon, value])
  }
  const [[pattern, valueSchema] = [null, additional], ...more] = patterns
  const isOpen = pattern !== null && typeof additional === 'object'
  const isNamed = names !== undefined && keys.length > 0
  if (isOpen || isNamed || more.length > 0 || keys.some((key) => mayBe(key, pattern))) {
    throw refuseConstraint(
      '"patternProperties" and "propertyNames" can be kept only for an object with one pattern, and ' +
        'without other properties that may match it.',
      path,
    )
  }
  const named = [{ type: 'string' }, ...(pattern === null ? [] : [{ pattern }]), names ?? true]
  const key = converter.inside({ allOf: named }, childPath(path, 'propertyNames'))
  const value = converter.inside(valueSchema, path)
  return key === null || value === null ? null : sequence([key, json.layout.colon, value])
}

/**
 * Members in their order, those that are not required or left out. Two rules a member: what begins with
 * it or a later one, and what follows it. A comma stands before the choice of what comes next, not in
 * each of its branches: else every place in an object is as many as it has members.
 */
const membersGrammar = (json: JsonGrammar, members: readonly Member[], other: string | null) => {
  const { rules, layout } = json
  const { inside, comma } = layout
  const others =
    other === null ? null : sequence([other, repeat(sequence([comma, other]), 0, null)])
  const lastRequired = members.findLastIndex(({ required }) => required)
  const optionally = (text: string, at: number) => (at > lastRequired ? `(${text})?` : text)
  /** Null where nothing can begin. */
  let from = others
  for (const [at, { body, required }] of [...members.entries()].toReversed()) {
    const next = from === null ? '' : optionally(sequence([comma, from]), at + 1)
    const own = sequence([body, next === '' ? '' : rules.add('next', next)])
    from = rules.add('members', required || from === null ? own : choice([own, from]))
  }
  const content = from === null ? '' : optionally(sequence([from, inside]), 0)
  return sequence(['"{"', inside, content, '"}"'])
}

/** An object of further properties alone, a number of them. */
const countedGrammar = (json: JsonGrammar, other: string, min: number, max: number | null) => {
  const { inside, comma } = json.layout
  if (max === 0) return sequence(['"{"', inside, '"}"'])
  const room = max === null ? null : max - 1
  const body = sequence([other, repeat(sequence([comma, other]), 0, room), inside])
  return sequence(['"{"', inside, min > 0 ? body : `(${body})?`, '"}"'])
}

const checkCounts = (
  { min, max }: { readonly min: number; readonly max: number | null },
  members: readonly Member[],
  other: string | null,
  path: string,
) => {
  const numRequired = members.filter(({ required }) => required).length
  const isKept =
    members.length === 0
      ? min <= 1
      : min <= numRequired && (max === null || (other === null && max >= members.length))
  if (isKept) return
  throw refuseConstraint(
    'The number of properties can not be counted while text is generated. List them as "required", ' +
      'or leave out "minProperties" and "maxProperties".',
    path,
  )
}

const isListed = (names: unknown): names is { readonly enum: readonly string[] } =>
  isRecord(names) &&
  Array.isArray(names['enum']) &&
  names['enum'].every((name) => typeof name === 'string') &&
  Object.keys(names).every(
    (keyword) => keyword === 'enum' || keyword === 'type' || !asserts(keyword),
  )

/** Listed names, as those of a record over an enumeration, are properties. */
const withListedNames = (schema: Schema, path: string): Schema => {
  const { propertyNames, patternProperties, additionalProperties = true, ...others } = schema
  if (!isListed(propertyNames) || patternProperties !== undefined) return schema
  const given = readRecord(schema, 'properties', path)
  const entries = propertyNames.enum.map((name) => {
    return [name, Object.hasOwn(given, name) ? given[name] : additionalProperties] as const
  })
  return { ...others, properties: Object.fromEntries(entries), additionalProperties: false }
}

/** The objects of a schema; null where there is none. */
export const objectGrammar = (converter: Converter, given: Schema, path: string): string | null => {
  const { json } = converter
  const schema = withListedNames(given, path)
  const properties = readRecord(schema, 'properties', path)
  const required = new Set(readNames(schema, 'required', path))
  const unlisted = [...required].filter((key) => !Object.hasOwn(properties, key))
  const unlistedSchema = schema['additionalProperties'] ?? true
  const listed = [
    ...Object.entries(properties).map(([key, value]) => ({ key, value, at: 'properties' })),
    ...unlisted.map((key) => ({ key, value: unlistedSchema, at: 'required' })),
  ]
  const members: Member[] = []
  for (const { key, value, at } of listed) {
    const body = converter.inside(value, childPath(path, at, key))
    if (body === null && required.has(key)) return null
    if (body === null) continue
    const member = sequence([literal(JSON.stringify(key)), json.layout.colon, body])
    members.push({ body: member, required: required.has(key) })
  }
  const keys = listed.map(({ key }) => key)
  const other = otherMember(converter, schema, keys, path)
  const min = readCount(schema, 'minProperties', 0, path)
  const max = readCount(schema, 'maxProperties', null, path)
  if ((max !== null && min > max) || (min > 0 && members.length === 0 && other === null))
    return null
  checkCounts({ min, max }, members, other, path)
  const body =
    members.length === 0 && other !== null
      ? countedGrammar(json, other, min, max)
      : membersGrammar(json, members, other)
  return json.rules.add('object', body)
}
