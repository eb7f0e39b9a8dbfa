import { coerceText, propertyOf, typesOf } from '../tool-schemas.ts'
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

const schemaOfItems = (schema: unknown): unknown =>
  typeof schema === 'object' && schema !== null && 'items' in schema ? schema.items : undefined

const toJson = (element: Element, schema: unknown): string => {
  const { children, text } = element
  if (children.length === 0) return coerceText(text, typesOf(schema))
  const isList =
    typesOf(schema).has('array') ||
    (typesOf(schema).size === 0 && children.every(({ name }) => name === 'item'))
  if (isList) return `[${children.map((child) => toJson(child, schemaOfItems(schema))).join(', ')}]`
  const fields = children.map(
    (child) => `${quoteText(child.name)}: ${toJson(child, propertyOf(schema, child.name))}`,
  )
  if (text.trim() !== '') fields.push(`"$text": ${quoteText(text.trim())}`)
  return `{${fields.join(', ')}}`
}

/**
 * A value made of child elements as JSON: a list where the schema says so or all children are
 * called `item`, else an object.
 */
export const nestedJson = (text: string, prefix: string, schema: unknown): string | null => {
  const root = readElements(text, prefix)
  return root && toJson(root, schema)
}
