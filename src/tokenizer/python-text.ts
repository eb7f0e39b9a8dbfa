import { formatFloat, type TemplateValue } from './python-json.ts'

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

const escapeCharacter = (character: string): string => {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`
  return code < 0x10000
    ? `\\u${code.toString(16).padStart(4, '0')}`
    : `\\U${code.toString(16).padStart(8, '0')}`
}

/** What Python counts as not printable, the mark of literal-marks.ts apart, which is no text. */
const unprintable = /(?!\ufdd0)[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu

const quoteText = (text: string): string => {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const escaped = text
    .replace(/[\\\n\r\t]/g, (character) => escapes[character] ?? character)
    .replace(unprintable, escapeCharacter)
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote
}

/** A template value as Python's `repr` writes it. */
const toRepr = (input: TemplateValue): string => {
  const { type, value } = input
  if (typeof value === 'string') return quoteText(value)
  if (value instanceof Map) {
    const entries: [string, TemplateValue][] = [...value]
    return `{${entries.map(([key, child]) => `${quoteText(key)}: ${toRepr(child)}`).join(', ')}}`
  }
  if (!Array.isArray(value)) return toPythonText(input)
  const items = value.map(toRepr).join(', ')
  if (type !== 'TupleValue') return `[${items}]`
  return value.length === 1 ? `(${items},)` : `(${items})`
}

/** A template value as Python's `str` writes it: what a template prints. */
export const toPythonText = (input: TemplateValue): string => {
  const { type, value } = input
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'number') {
    return type === 'FloatValue' ? formatFloat(value) : BigInt(value).toString()
  }
  if (type === 'UndefinedValue') return ''
  if (type === 'NullValue') return 'None'
  if (Array.isArray(value) || value instanceof Map) return toRepr(input)
  throw new Error(`A ${type} can't be printed`)
}

const directives: Readonly<Record<string, (value: TemplateValue) => string>> = {
  s: toPythonText,
  r: toRepr,
  d: (value) => {
    if (typeof value.value === 'number') return BigInt(Math.trunc(value.value)).toString()
    throw new Error(`%d format: a real number is required, not ${value.type}`)
  },
}

/** Python's `text % values`, for strings and whole numbers as they are. */
export const formatText = (text: string, values: readonly TemplateValue[]): string => {
  const left = [...values]
  const formatted = text.replace(/%(.?)/gs, (_, letter: string) => {
    if (letter === '%') return '%'
    const write = Object.hasOwn(directives, letter) ? directives[letter] : undefined
    if (!write) throw new Error(`unsupported format character '${letter}'`)
    const value = left.shift()
    if (!value) throw new Error('not enough arguments for format string')
    return write(value)
  })
  if (left.length === 0) return formatted
  throw new Error('not all arguments converted during string formatting')
}
