/** A schema in a tool's parameters, and the whole in which its references are looked up. */
export type Schema = { readonly node: unknown; readonly root: unknown }

type Fields = Readonly<Record<string, unknown>>

export const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const fieldOf = (value: unknown, key: string): unknown => {
  if (Array.isArray(value)) return value[Number(key)] as unknown
  return isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

const decode = (written: string): string => {
  try {
    return decodeURIComponent(written)
  } catch {
    return written
  }
}

/** What a `#` and a JSON pointer (RFC 6901) refer to. Other references lead nowhere. */
const lookUp = (root: unknown, reference: string): unknown => {
  const [document, ...keys] = decode(reference).split('/')
  if (document !== '#') return undefined
  return keys.map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~')).reduce(fieldOf, root)
}

/**
 * All that is said of a value: by the schema, by what it refers to, and by what it is put together
 * of. Each part comes once, so schemas that contain themselves have an end too.
 */
const partsOf = ({ node, root }: Schema): readonly Fields[] => {
  const parts = new Set<unknown>([node])
  // A set's loop goes on to what is added to it on the way.
  for (const part of parts) {
    if (!isRecord(part)) continue
    const { $ref: reference, anyOf, oneOf, allOf } = part
    if (typeof reference === 'string') parts.add(lookUp(root, reference))
    for (const inner of [anyOf, oneOf, allOf].flatMap(listOf)) parts.add(inner)
  }
  return [...parts].filter(isRecord)
}

const typeOfValue = (value: unknown): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return Number.isInteger(value) ? 'integer' : typeof value
}

/** Names of types that tools have in place of JSON schema's, as vLLM reads them. */
const typeNames: readonly (readonly [RegExp, string])[] = [
  [/^(str|text|varchar|char|enum)$/, 'string'],
  [/^(int|uint|long|short|unsigned)/, 'integer'],
  [/^(num|float|double)/, 'number'],
  [/^(bool|binary)/, 'boolean'],
  [/^(dict|map)/, 'object'],
  [/^(arr|list|sequence)/, 'array'],
]
const readTypeName = (written: string): string => {
  const name = written.trim().toLowerCase()
  return typeNames.find(([names]) => names.test(name))?.[1] ?? name
}

const typesOfPart = (part: Fields): readonly string[] => {
  const { type, enum: values, properties, items } = part
  const named = [type].flat().flatMap((name) => (typeof name === 'string' ? [name] : []))
  return [
    ...named.map(readTypeName),
    ...listOf(values).map(typeOfValue),
    ...('const' in part ? [typeOfValue(part['const'])] : []),
    ...(type === undefined && properties !== undefined ? ['object'] : []),
    ...(type === undefined && items !== undefined ? ['array'] : []),
  ]
}

/** The types that a schema allows; empty where it does not say. */
export const typesOf = (schema: Schema | undefined): ReadonlySet<string> =>
  new Set(schema ? partsOf(schema).flatMap(typesOfPart) : [])

const inside = (schema: Schema | undefined, find: (part: Fields) => unknown) => {
  const node = schema && partsOf(schema).map(find).find(isRecord)
  return schema && node && { node, root: schema.root }
}

/** The schema of an object's field; undefined where it has none. */
export const propertyOf = (schema: Schema | undefined, key: string): Schema | undefined =>
  inside(schema, ({ properties }) => fieldOf(properties, key)) ??
  inside(schema, ({ additionalProperties }) => additionalProperties)

/** The schema of a list's items; undefined where it has none. */
export const itemsOf = (schema: Schema | undefined): Schema | undefined =>
  inside(schema, ({ items }) => items)
