import { quote } from '../errors.ts'
import { JsonGrammar, type JsonLayout } from './json-grammar.ts'
import { refuseConstraint } from './refusal.ts'
import { choice, literal, Rules } from './rules.ts'
import { areDisjoint, mergeSchemas } from './schema-merge.ts'
import {
  asserts,
  checkKeywords,
  childPath,
  isEqual,
  isRecord,
  readList,
  readNames,
  readRecord,
  resolvePointer,
  type Schema,
} from './schema-node.ts'
import { objectGrammar } from './schema-object.ts'
import { listGrammar, numbersGrammar, stringsGrammar } from './schema-values.ts'

export type SchemaOptions = {
  readonly layout: JsonLayout
  /** Objects have no other properties than those listed, unless their schema says so. */
  readonly disableAdditionalProperties?: boolean
}

const maxDepth = 64
/** Schemas visited, those behind references and joined ones counted again. */
const maxNodes = 5000

const types = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'] as const
type TypeName = (typeof types)[number]

/** The type that a schema without one is about. */
const typesByKeyword: readonly (readonly [TypeName, readonly string[]])[] = [
  ['object', ['properties', 'required', 'additionalProperties', 'patternProperties']],
  ['object', ['propertyNames', 'dependentRequired', 'minProperties', 'maxProperties']],
  ['array', ['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems']],
  ['string', ['minLength', 'maxLength', 'pattern', 'format']],
  ['number', ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']],
]

const typeOf = (value: unknown): TypeName => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return types.find((type) => type === typeof value) ?? 'object'
}

/**
 * Turns a JSON schema into a grammar of exactly such values, or of fewer where the schema leaves
 * something open: properties stand in the order in which they are listed, and there are no others
 * unless `additionalProperties` says so.
 */
export class SchemaGrammar {
  readonly json: JsonGrammar
  readonly options: SchemaOptions
  readonly #root: unknown
  /** Rules of what references point to, and how far in the value each was met. */
  readonly #referenced = new Map<string, { readonly rule: string | null; readonly depth: number }>()
  readonly #open = new Set<string>()
  #depth = 0
  #calls = 0
  #numNodes = 0

  constructor(root: unknown, rules: Rules, options: SchemaOptions) {
    this.#root = root
    this.options = options
    this.json = new JsonGrammar(rules, options.layout)
  }

  /** The values of a part that lies further in than the value that is converted now. */
  inside(schema: unknown, path: string): string | null {
    this.#depth += 1
    const body = this.convert(schema, path)
    this.#depth -= 1
    return body
  }

  /** The values of a schema; null where there is none. */
  convert(schema: unknown, path: string): string | null {
    this.#calls += 1
    this.#numNodes += 1
    if (this.#calls > maxDepth) {
      throw refuseConstraint('The JSON schema is nested too deeply, or joins itself.', path)
    }
    if (this.#numNodes > maxNodes) throw refuseConstraint('The JSON schema is too large.', path)
    const body = this.#convertOne(schema, path)
    this.#calls -= 1
    return body
  }

  #convertOne(schema: unknown, path: string): string | null {
    if (schema === true) return this.json.value()
    if (schema === false) return null
    if (!isRecord(schema)) throw refuseConstraint('A schema must be an object or a boolean.', path)
    if (schema['not'] === true || isEqual(schema['not'], {})) return null
    checkKeywords(schema, path)
    if (schema['$ref'] !== undefined) return this.#reference(schema, path)
    if (schema['allOf'] !== undefined) return this.#all(schema, path)
    for (const keyword of ['anyOf', 'oneOf'] as const) {
      if (schema[keyword] !== undefined) return this.#any(schema, keyword, path)
    }
    if (schema['dependentRequired'] !== undefined) return this.#dependent(schema, path)
    if ('const' in schema) return this.#values([schema['const']], schema, path)
    if (schema['enum'] !== undefined) {
      return this.#values(readList(schema, 'enum', path), schema, path)
    }
    const options = this.#typesOf(schema, path).map((type) => this.#ofType(type, schema, path))
    return oneOfSome(options)
  }

  #reference(schema: Schema, path: string): string | null {
    const { $ref: reference, ...siblings } = schema
    const target = resolvePointer(this.#root, reference, path)
    if (Object.keys(siblings).some(asserts)) {
      return this.convert(
        { ...siblings, allOf: [...readList(schema, 'allOf', path), target] },
        path,
      )
    }
    const key = String(reference)
    const known = this.#referenced.get(key)
    if (known) {
      if (this.#open.has(key) && known.depth === this.#depth) {
        throw refuseConstraint(`"$ref" goes round in a circle: ${quote(key)}.`, path)
      }
      return known.rule
    }
    const rule = this.json.rules.reserve('reference')
    this.#referenced.set(key, { rule, depth: this.#depth })
    this.#open.add(key)
    const body = this.convert(target, key === '#' ? '$' : `$${key.slice(1).replaceAll('/', '.')}`)
    this.#open.delete(key)
    if (body === null) {
      this.#referenced.set(key, { rule: null, depth: this.#depth })
      return null
    }
    this.json.rules.define(rule, body)
    return rule
  }

  /** The schema itself in the place of a reference to it. */
  #dereference(schema: unknown, path: string, seen: readonly unknown[] = []): unknown {
    if (!isRecord(schema) || schema['$ref'] === undefined) return schema
    const { $ref: reference, ...siblings } = schema
    if (seen.includes(reference)) {
      throw refuseConstraint(`"$ref" goes round in a circle: ${quote(reference)}.`, path)
    }
    const found = resolvePointer(this.#root, reference, path)
    const target = this.#dereference(found, path, [...seen, reference])
    return isRecord(target) ? mergeSchemas(target, siblings, path) : target
  }

  #all(schema: Schema, path: string): string | null {
    const { allOf: _, ...siblings } = schema
    const parts = readList(schema, 'allOf', path)
    const isPlain = !Object.keys(siblings).some(asserts)
    if (isPlain && parts.length === 1) return this.convert(parts[0], childPath(path, 'allOf', 0))
    let merged: Schema = siblings
    for (const [index, part] of parts.entries()) {
      const at = childPath(path, 'allOf', index)
      const target = this.#dereference(part, at)
      if (target === false) return null
      if (target === true) continue
      if (!isRecord(target)) {
        throw refuseConstraint('A schema must be an object or a boolean.', at)
      }
      merged = mergeSchemas(merged, target, at)
    }
    return this.convert(merged, path)
  }

  /** Either without the property that others hang on, or with all of them. */
  #dependent(schema: Schema, path: string): string | null {
    const { dependentRequired: _, ...rest } = schema
    const dependents = readRecord(schema, 'dependentRequired', path)
    const [key, ...others] = Object.keys(dependents)
    if (key === undefined) return this.convert(rest, path)
    const required = [key, ...readNames(dependents, key, path)]
    const remaining = Object.fromEntries(others.map((other) => [other, dependents[other]]))
    const whole = others.length === 0 ? rest : { ...rest, dependentRequired: remaining }
    const ways = [{ properties: { [key]: false } }, { required }]
    return oneOfSome(ways.map((way) => this.convert({ allOf: [whole, way] }, path)))
  }

  /** All values of a schema that lists them; null for one that does not. */
  listed(schema: unknown, path: string): readonly unknown[] | null {
    const target = this.#dereference(schema, path)
    if (!isRecord(target)) return null
    if ('const' in target) return [target['const']]
    if (target['enum'] !== undefined) return readList(target, 'enum', path)
    return target['type'] === 'boolean' ? [true, false] : null
  }

  #any(schema: Schema, keyword: 'anyOf' | 'oneOf', path: string): string | null {
    const { [keyword]: _, ...siblings } = schema
    const options = readList(schema, keyword, path)
    if (options.length === 0) throw refuseConstraint(`"${keyword}" must not be empty.`, path)
    const isPlain = !Object.keys(siblings).some(asserts)
    if (keyword === 'oneOf') this.#checkDisjoint(options, isPlain ? {} : siblings, path)
    const bodies = options.map((option, index) => {
      const at = childPath(path, keyword, index)
      return this.convert(isPlain ? option : { allOf: [siblings, option] }, at)
    })
    return oneOfSome(bodies)
  }

  #checkDisjoint(options: readonly unknown[], siblings: Schema, path: string): void {
    const targets = options.map((option) => {
      const target = this.#dereference(option, path)
      return isRecord(target) ? mergeSchemas(siblings, target, path) : target
    })
    for (const [index, target] of targets.entries()) {
      const other = targets.findIndex((o, at) => at < index && !areDisjoint(o, target))
      if (other < 0) continue
      throw refuseConstraint(
        `One value may match both ${other} and ${index} of "oneOf", which Quire can not rule out. ` +
          'Use "anyOf", or tell them apart by a required property with a "const".',
        path,
      )
    }
  }

  #values(values: readonly unknown[], schema: Schema, path: string): string | null {
    const { type, enum: listed, const: _, ...rest } = schema
    const narrowing = Object.keys(rest).find(asserts)
    if (narrowing !== undefined) {
      throw refuseConstraint(
        `"${narrowing}" beside listed values is not supported. List only the values that are meant.`,
        path,
      )
    }
    const allowed = type === undefined ? null : this.#typesOf(schema, path)
    const fits = values.filter(
      (value) =>
        (allowed === null ||
          allowed.includes(typeOf(value)) ||
          (typeOf(value) === 'integer' && allowed.includes('number'))) &&
        (!Array.isArray(listed) || listed.some((other) => isEqual(other, value))),
    )
    return oneOfSome(fits.map((value) => literal(JSON.stringify(value))))
  }

  #typesOf(schema: Schema, path: string): readonly TypeName[] {
    const given = schema['type']
    if (given !== undefined) {
      return (Array.isArray(given) ? given : [given]).map((name) => {
        const type = types.find((known) => known === name)
        if (type) return type
        throw refuseConstraint(`There is no type ${JSON.stringify(name) ?? 'undefined'}.`, path)
      })
    }
    const meant = typesByKeyword.filter(([, words]) => words.some((word) => word in schema))
    const found = [...new Set(meant.map(([type]) => type))]
    return found.length > 0 ? found : types.filter((type) => type !== 'integer')
  }

  #ofType(type: TypeName, schema: Schema, path: string): string | null {
    switch (type) {
      case 'null':
        return '"null"'
      case 'boolean':
        return '("true" | "false")'
      case 'integer':
      case 'number':
        return numbersGrammar(this.json, type, schema, path)
      case 'string':
        return stringsGrammar(this.json, schema, path)
      case 'array':
        return listGrammar(this, schema, path)
      case 'object':
        return objectGrammar(this, schema, path)
    }
  }
}

const oneOfSome = (bodies: readonly (string | null)[]): string | null => {
  const some = [...new Set(bodies.filter((body) => body !== null))]
  return some.length === 0 ? null : choice(some)
}

/**
 * The grammar of a JSON schema, in XGrammar's EBNF.
 *
 * @throws EngineError `invalid-request` with the place in the schema of what is wrong, what no value
 * can meet, and what Quire can't keep.
 */
export const schemaToEbnf = (schema: unknown, options: SchemaOptions, path = '$'): string => {
  const rules = new Rules()
  const body = schemaBody(schema, rules, options, path)
  return rules.text(body)
}

/** As {@link schemaToEbnf}, as a body in a larger grammar. */
export const schemaBody = (
  schema: unknown,
  rules: Rules,
  options: SchemaOptions,
  path = '$',
): string => {
  const body = new SchemaGrammar(schema, rules, options).convert(schema, path)
  if (body === null) throw refuseConstraint('No value can match the JSON schema.', path)
  return body
}
