import { refuseConstraint } from './refusal.ts'

/** A JSON schema that is an object. */
export type Schema = Readonly<Record<string, unknown>>

export const isRecord = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const isEqual = (a: unknown, b: unknown): boolean => {
  if (a === b) return true
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => isEqual(item, b[index]))
  }
  if (!isRecord(a) || !isRecord(b)) return false
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key]))
  )
}

/** Keywords that Quire keeps. All others but the refused ones say nothing about a value. */
const keptKeywords = new Set([
  '$ref',
  'allOf',
  'anyOf',
  'oneOf',
  'type',
  'enum',
  'const',
  'properties',
  'required',
  'additionalProperties',
  'patternProperties',
  'propertyNames',
  'dependentRequired',
  'minProperties',
  'maxProperties',
  'items',
  'prefixItems',
  'additionalItems',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minLength',
  'maxLength',
  'pattern',
  'format',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
])

/** What these ask for can't be told while the text grows, or not by a grammar. */
const refusedKeywords: ReadonlySet<string> = new Set([
  'not',
  'if',
  'then',
  'else',
  'dependentSchemas',
  'dependencies',
  'unevaluatedProperties',
  'unevaluatedItems',
  'contains',
  'minContains',
  'maxContains',
  '$dynamicRef',
  '$recursiveRef',
])

/** Values of refused keywords that ask for nothing. */
const asksNothing = (keyword: string, value: unknown): boolean =>
  keyword.startsWith('unevaluated') && value === true

/** Whether a keyword narrows the values, rather than describe them. */
export const asserts = (keyword: string): boolean =>
  keptKeywords.has(keyword) || refusedKeywords.has(keyword)

export const checkKeywords = (schema: Schema, path: string): void => {
  for (const [keyword, value] of Object.entries(schema)) {
    if (!refusedKeywords.has(keyword) || asksNothing(keyword, value)) continue
    throw refuseConstraint(
      `The JSON schema uses "${keyword}", which Quire can not keep while text is generated. ` +
        'Leave it out and check the answer yourself.',
      path,
    )
  }
}

const pathStep = (key: string | number): string => {
  if (typeof key === 'number') return `[${key}]`
  return /^[\w$]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
}

export const childPath = (path: string, ...keys: readonly (string | number)[]): string =>
  path + keys.map(pathStep).join('')

/** The count that a keyword gives; `fallback` where it is absent. */
export const readCount = <Fallback extends number | null>(
  schema: Schema,
  keyword: string,
  fallback: Fallback,
  path: string,
): number | Fallback => {
  const value = schema[keyword]
  if (value === undefined) return fallback
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw refuseConstraint(`"${keyword}" must be an integer that is not negative.`, path)
}

export const readRecord = (schema: Schema, keyword: string, path: string): Schema => {
  const value = schema[keyword] ?? {}
  if (isRecord(value)) return value
  throw refuseConstraint(`"${keyword}" must be an object.`, path)
}

export const readList = (schema: Schema, keyword: string, path: string): readonly unknown[] => {
  const value = schema[keyword] ?? []
  if (Array.isArray(value)) return value
  throw refuseConstraint(`"${keyword}" must be a list.`, path)
}

export const readNames = (schema: Schema, keyword: string, path: string): readonly string[] =>
  readList(schema, keyword, path).map((name) => {
    if (typeof name === 'string') return name
    throw refuseConstraint(`"${keyword}" must be a list of strings.`, path)
  })

/** The schema that a pointer into the whole one means, such as `#/$defs/node`. */
export const resolvePointer = (root: unknown, reference: unknown, path: string): unknown => {
  if (typeof reference !== 'string' || !/^#(\/|$)/.test(reference)) {
    throw refuseConstraint(
      `"$ref" must point into the schema itself, as "#/$defs/name" does, got ${JSON.stringify(reference)}.`,
      path,
    )
  }
  let found: unknown = root
  for (const step of reference.split('/').slice(1)) {
    const key = decode(step).replaceAll('~1', '/').replaceAll('~0', '~')
    const isHere = typeof found === 'object' && found !== null && Object.hasOwn(found, key)
    if (!isHere) throw refuseConstraint(`"$ref" points to nothing: ${reference}.`, path)
    found = Reflect.get(found as object, key)
  }
  return found
}

const decode = (step: string): string => {
  try {
    return decodeURIComponent(step)
  } catch {
    return step
  }
}
