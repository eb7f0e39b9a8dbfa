import { itemsOf, propertyOf, typesOf, type Schema } from '../parameter-schemas.ts'
import { coerceText } from '../tool-schemas.ts'
import { quoteText } from './json-text.ts'

type Element = { readonly name: string; readonly text: string; readonly children: Element[] }

/**
 * Reads elements whose tags have a prefix of their own, `<name>..</name>` behind it each time. Null
 * where the text holds none, or where its tags do not pair.
 */
const readElements = (text: string, prefix: string): Element | null => {
  const root = { name: '', text: '', children: [] as Element[] }
  const open = [root]
  const [first = '', ...pieces] = text.split(prefix)
  root.text = first
  for (const piece of pieces) {
    const tag = /^<(\/?)([^<>/][^<>]*)>/.exec(piece)
    const current = open.at(-1)
    if (tag === null || current === undefined) return null
    const [whole, slash, name = ''] = tag
    const rest = piece.slice(whole.length)
    if (slash === '') {
      const element = { name, text: rest, children: [] as Element[] }
      current.children.push(element)
      open.push(element)
      continue
    }
    if (open.length === 1 || current.name !== name) return null
    open.pop()
    const parent = open.at(-1)
    if (parent) parent.text += rest
  }
  return open.length === 1 && root.children.length > 0 ? root : null
}

const listJson = (items: readonly Element[], schema: Schema | undefined): string =>
  `[${items.map((item) => toJson(item, itemsOf(schema))).join(', ')}]`

/** Where nothing but text may stand, no text is a list or object without anything. */
const scalarJson = (text: string, schema: Schema | undefined): string => {
  const types = typesOf(schema)
  if (text.trim() !== '' || types.has('string')) return coerceText(text, types)
  return types.has('array') ? '[]' : types.has('object') ? '{}' : coerceText(text, types)
}

const toJson = (element: Element, schema: Schema | undefined): string => {
  const { children, text } = element
  if (children.length === 0) return scalarJson(text, schema)
  const isList =
    typesOf(schema).has('array') ||
    (typesOf(schema).size === 0 && children.every(({ name }) => name === 'item'))
  if (isList) return listJson(children, schema)
  const fields = [...new Set(children.map(({ name }) => name))].map((name) => {
    const found = children.filter((child) => child.name === name)
    const [first] = found
    const property = propertyOf(schema, name)
    const json = first && found.length === 1 ? toJson(first, property) : listJson(found, property)
    return `${quoteText(name)}: ${json}`
  })
  if (text.trim() !== '') fields.push(`"$text": ${quoteText(text.trim())}`)
  return `{${fields.join(', ')}}`
}

/**
 * A value made of child elements as JSON: a list where the schema says so or all children are
 * called `item`, else an object, in which children of one name are a list.
 */
export const nestedJson = (
  text: string,
  prefix: string,
  schema: Schema | undefined,
): string | null => {
  const root = readElements(text, prefix)
  return root ? toJson(root, schema) : text.trim() === '' ? scalarJson(text, schema) : null
}
