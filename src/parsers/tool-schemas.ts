import { numberText, parseJson, quoteText, scalarText } from './grammars/json-text.ts'
import { createValueReader, literalSyntax } from './grammars/value-reader.ts'
import { isRecord, propertyOf, typesOf, type Schema } from './parameter-schemas.ts'

const integerText = (text: string): string | null => {
  if (/^[+-]?\d+$/.test(text)) return String(BigInt(text.replace('+', '')))
  const value = numberText(text) === null ? Number.NaN : Number(text)
  return Number.isSafeInteger(value) ? String(value) : null
}

const booleanText = (text: string): string | null => {
  const word = text.toLowerCase()
  if (word === 'true' || word === '1') return 'true'
  return word === 'false' || word === '0' ? 'false' : null
}

/** An object or list, as written where that is JSON, else as a Python literal. */
const nestedText = (text: string, open: '{' | '['): string | null => {
  if (!text.startsWith(open) && !(open === '[' && text.startsWith('('))) return null
  if (parseJson(text) !== undefined) return text
  let json = ''
  const emit = (piece: string) => void (json += piece)
  const reader = createValueReader({ syntax: literalSyntax, emit })
  for (let at = 0; at < text.length; at++) {
    const result = reader.read(text.charAt(at))
    if (result === 'invalid' || result === 'before') return null
    if (result === 'end') return text.slice(at + 1).trim() === '' ? json : null
  }
  return null
}

const converters: readonly (readonly [string, (text: string) => string | null])[] = [
  ['null', (text) => (text === 'null' || text === 'None' ? 'null' : null)],
  ['integer', integerText],
  ['number', (text) => integerText(text) ?? numberText(text)],
  ['boolean', booleanText],
  ['object', (text) => nestedText(text, '{')],
  ['array', (text) => nestedText(text, '[')],
]

/**
 * Text as JSON of the first type that takes it, in vLLM's order: null, integer, number, boolean,
 * object, array. What fits none is a string, or where that is not allowed either, the JSON that it
 * may be all the same.
 */
export const coerceText = (text: string, types: ReadonlySet<string>): string => {
  for (const [type, convert] of converters) {
    const json = types.has(type) ? convert(text.trim()) : null
    if (json !== null) return json
  }
  const isText = types.size === 0 || types.has('string') || parseJson(text) === undefined
  return isText ? quoteText(text) : text.trim()
}

/** Text as the JSON or Python value that it spells, or else as a string. */
export const literalText = (text: string): string => {
  const trimmed = text.trim()
  const json = parseJson(trimmed) === undefined ? null : trimmed
  const nested = json ?? nestedText(trimmed, '{') ?? nestedText(trimmed, '[')
  if (nested !== null) return nested
  const scalar = scalarText(trimmed)
  return scalar.startsWith('"') ? quoteText(text) : scalar
}

/** What the request says of its tools. */
export type ToolSchemas = {
  /** Whether the request has this tool; true where its tools are not known. */
  has(name: string): boolean
  /** The tool's name: where a model doubles what the request has once, `f.f` is `f`. */
  nameOf(written: string): string
  /** Whether the parameters of this tool are known. */
  describes(name: string): boolean
  /** The schema of a parameter; undefined where it has none. */
  parameter(name: string, key: string): Schema | undefined
  /** A bare word as JSON. */
  scalar(name: string, key: string | null, text: string): string
}

/** Reads OpenAI's tools, with or without the `function` around them. */
export const readTools = (tools: readonly unknown[] | null | undefined): ToolSchemas => {
  const parameters = new Map<string, unknown>()
  for (const tool of tools ?? []) {
    const described = isRecord(tool) && isRecord(tool['function']) ? tool['function'] : tool
    if (!isRecord(described) || typeof described['name'] !== 'string') continue
    parameters.set(described['name'], described['parameters'])
  }
  const parameter = (name: string, key: string) => {
    const root = parameters.get(name)
    return propertyOf({ node: root, root }, key)
  }
  return {
    has: (name) => parameters.size === 0 || parameters.has(name),
    nameOf: (written) => {
      const [first = '', second, ...more] = written.split('.')
      const isDoubled = first === second && more.length === 0 && !parameters.has(written)
      return isDoubled && parameters.has(first) ? first : written
    },
    describes: (name) => isRecord(parameters.get(name)),
    parameter,
    scalar: (name, key, text) => {
      const types = key === null ? new Set<string>() : typesOf(parameter(name, key))
      return types.size === 0 ? scalarText(text) : coerceText(text, types)
    },
  }
}
