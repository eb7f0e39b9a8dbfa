import { refuseConstraint } from './refusal.ts'
import { asserts, isEqual, isRecord, readRecord, type Schema } from './schema-node.ts'

const namesOf = (type: unknown): readonly unknown[] => (Array.isArray(type) ? type : [type])

/** Types that both allow. */
const mergeTypes = (a: unknown, b: unknown): unknown => {
  const [ours, theirs] = [namesOf(a), namesOf(b)]
  const both = (type: unknown) => {
    if (theirs.includes(type)) return [type]
    if (type === 'integer' && theirs.includes('number')) return ['integer']
    return type === 'number' && theirs.includes('integer') ? ['integer'] : []
  }
  return ours.flatMap(both)
}

const larger = (a: unknown, b: unknown) => Math.max(Number(a), Number(b))
const smaller = (a: unknown, b: unknown) => Math.min(Number(a), Number(b))
const bothOf = (a: unknown, b: unknown) => ({ allOf: [a, b] })
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const mergers: Readonly<Record<string, (a: unknown, b: unknown) => unknown>> = {
  type: mergeTypes,
  required: (a, b) => [...new Set([...listOf(a), ...listOf(b)])],
  enum: (a, b) => listOf(a).filter((value) => listOf(b).some((other) => isEqual(value, other))),
  minimum: larger,
  exclusiveMinimum: larger,
  minLength: larger,
  minItems: larger,
  minProperties: larger,
  maximum: smaller,
  exclusiveMaximum: smaller,
  maxLength: smaller,
  maxItems: smaller,
  maxProperties: smaller,
  items: bothOf,
  additionalProperties: bothOf,
  propertyNames: bothOf,
  uniqueItems: (a, b) => a === true || b === true,
  allOf: (a, b) => [...listOf(a), ...listOf(b)],
}

const limit = (schema: unknown, other: Schema): unknown =>
  other['additionalProperties'] === undefined
    ? schema
    : bothOf(schema, other['additionalProperties'])

/** A property of one side, held also to what the other side says of keys it does not list. */
const mergeProperties = (a: Schema, b: Schema, path: string): Schema => {
  const [ours, theirs] = [readRecord(a, 'properties', path), readRecord(b, 'properties', path)]
  const merged: [string, unknown][] = []
  for (const [key, schema] of Object.entries(ours)) {
    merged.push([key, Object.hasOwn(theirs, key) ? bothOf(schema, theirs[key]) : limit(schema, b)])
  }
  for (const [key, schema] of Object.entries(theirs)) {
    if (!Object.hasOwn(ours, key)) merged.push([key, limit(schema, a)])
  }
  return Object.fromEntries(merged)
}

/**
 * One schema for what two ask for together.
 *
 * @throws EngineError `invalid-request` for keywords that can't be put together.
 */
export const mergeSchemas = (a: Schema, b: Schema, path: string): Schema => {
  const merged: Record<string, unknown> = { ...a }
  for (const [keyword, value] of Object.entries(b)) {
    if (!Object.hasOwn(a, keyword) || !asserts(keyword) || isEqual(a[keyword], value)) {
      merged[keyword] = value
      continue
    }
    const merge = Object.hasOwn(mergers, keyword) ? mergers[keyword] : undefined
    if (merge) merged[keyword] = merge(a[keyword], value)
    else if (keyword !== 'properties') {
      throw refuseConstraint(
        `Two schemas that must both hold each have another "${keyword}", which Quire can not join.`,
        path,
      )
    }
  }
  if (a['properties'] === undefined && b['properties'] === undefined) return merged
  return { ...merged, properties: mergeProperties(a, b, path) }
}

const onlyType = (schema: Schema, types: readonly string[]) =>
  namesOf(schema['type']).every((type) => types.includes(String(type)))

const valuesOf = (schema: unknown): readonly unknown[] | null => {
  if (!isRecord(schema)) return null
  if ('const' in schema) return [schema['const']]
  return Array.isArray(schema['enum']) ? schema['enum'] : null
}

const shareNone = (a: readonly unknown[], b: readonly unknown[]) =>
  !a.some((value) => b.some((other) => isEqual(value, other)))

const keysOf = (schema: Schema): readonly unknown[] => {
  const properties = isRecord(schema['properties']) ? Object.keys(schema['properties']) : []
  return [...properties, ...listOf(schema['required'])]
}

const openings = ['$ref', 'allOf', 'anyOf', 'oneOf', 'patternProperties', 'propertyNames']

/** Whether one needs a property that the grammar of the other, which has only its own, leaves out. */
const leavesOut = (schema: Schema, other: Schema): boolean =>
  isRecord(schema['properties']) &&
  (schema['additionalProperties'] ?? false) === false &&
  !openings.some((keyword) => keyword in schema) &&
  listOf(other['required']).some((key) => !keysOf(schema).includes(key))

const forbids = (schema: Schema, other: Schema): boolean =>
  schema['additionalProperties'] === false && leavesOut(schema, other)

/** Whether no generated value can match both, as far as types, listed values and required properties tell. */
export const areDisjoint = (a: unknown, b: unknown): boolean => {
  if (a === false || b === false) return true
  if (!isRecord(a) || !isRecord(b)) return false
  const [ours, theirs] = [valuesOf(a), valuesOf(b)]
  if (ours && theirs) return shareNone(ours, theirs)
  if (a['type'] !== undefined && b['type'] !== undefined) {
    if (listOf(mergeTypes(a['type'], b['type'])).length === 0) return true
  }
  const [left, right] = [a['properties'], b['properties']]
  if (!onlyType(a, ['object']) || !onlyType(b, ['object'])) return false
  if (forbids(a, b) || forbids(b, a) || (leavesOut(a, b) && leavesOut(b, a))) return true
  if (!isRecord(left) || !isRecord(right)) return false
  return listOf(a['required']).some(
    (key) =>
      typeof key === 'string' &&
      listOf(b['required']).includes(key) &&
      Object.hasOwn(left, key) &&
      Object.hasOwn(right, key) &&
      areDisjoint(left[key], right[key]),
  )
}
