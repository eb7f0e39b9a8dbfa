import { quote } from '../errors.ts'
import { checkEbnfSize } from './ebnf-size.ts'
import { refuseConstraint } from './refusal.ts'
import { wholeMatch } from './regex-grammar.ts'
import { Rules } from './rules.ts'
import { type SchemaOptions, schemaToEbnf } from './schema-grammar.ts'
import { childPath, isRecord, readList, readNames, type Schema } from './schema-node.ts'

const maxDepth = 32

const readText = (holder: Schema, key: string, path: string): string => {
  const value = holder[key]
  if (typeof value === 'string') return value
  throw refuseConstraint(`"${key}" of a structural tag must be a string.`, path)
}

/** Schemas and regular expressions become grammars of ours, which keep them exactly. */
const convertFormat = (
  format: unknown,
  options: SchemaOptions,
  path: string,
  depth = 0,
): unknown => {
  if (!isRecord(format))
    throw refuseConstraint('A structural tag’s format must be an object.', path)
  if (depth > maxDepth) throw refuseConstraint('The structural tag is nested too deeply.', path)
  const inner = (key: string, value: unknown) =>
    convertFormat(value, options, childPath(path, key), depth + 1)
  const list = (key: string) =>
    readList(format, key, path).map((item, index) =>
      convertFormat(item, options, childPath(path, key, index), depth + 1),
    )
  switch (format['type']) {
    case 'any_text':
    case 'const_string':
      return format
    case 'grammar':
      checkEbnfSize(readText(format, 'grammar', path))
      return format
    case 'json_schema': {
      const { style = 'json' } = format
      if (style !== 'json') {
        throw refuseConstraint(`A JSON schema can not be kept in the style ${quote(style)}.`, path)
      }
      const at = childPath(path, 'json_schema')
      return { type: 'grammar', grammar: schemaToEbnf(format['json_schema'], options, at) }
    }
    case 'regex': {
      const body = wholeMatch(readText(format, 'pattern', path))
      return { type: 'grammar', grammar: new Rules().text(body) }
    }
    case 'sequence':
    case 'or':
      return { ...format, elements: list('elements') }
    case 'tag':
      return { ...format, content: inner('content', format['content']) }
    case 'triggered_tags':
    case 'tags_with_separator':
      return { ...format, tags: list('tags') }
    default:
      throw refuseConstraint(
        `A structural tag’s format can not be of type ${quote(format['type'])}.`,
        path,
      )
  }
}

/** The older form: tags that begin with one of the triggers, and free text around them. */
const fromStructures = (tag: Schema): Schema => ({
  type: 'triggered_tags',
  triggers: readNames(tag, 'triggers', '$'),
  tags: readList(tag, 'structures', '$').map((structure, index) => {
    const path = childPath('$', 'structures', index)
    if (!isRecord(structure)) throw refuseConstraint('A structure must be an object.', path)
    return {
      type: 'tag',
      begin: readText(structure, 'begin', path),
      end: readText(structure, 'end', path),
      content: { type: 'json_schema', json_schema: structure['schema'] ?? true },
    }
  }),
})

/**
 * A structural tag as XGrammar reads it, from either of its forms: `{"format": ...}`, or
 * `{"structures": [...], "triggers": [...]}`.
 *
 * @throws EngineError `invalid-request` with the place of what is wrong.
 */
export const toStructuralTag = (tag: unknown, options: SchemaOptions): unknown => {
  if (!isRecord(tag)) throw refuseConstraint('The structural tag is no object.', '$')
  const format = 'structures' in tag ? fromStructures(tag) : tag['format']
  return { type: 'structural_tag', format: convertFormat(format, options, '$.format') }
}
