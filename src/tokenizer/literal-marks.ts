import { createTokenFinder } from './token-finder.ts'

/**
 * A noncharacter (Unicode keeps it for use inside programs) that stands inside the spelling of a
 * special token wherever a message spells one. Templates pass it through; the tokenizer matches no
 * token across it and then removes it. Two of them are one that the message itself had.
 */
const mark = '\ufdd0'

/** Marks every special token that a text spells. */
export type Marker = (text: string) => string

const firstCharacter = (text: string, at: number) => String.fromCodePoint(text.codePointAt(at) ?? 0)

/**
 * A marker for these tokens. The beginning of a token at the end of a text is marked too: the next
 * text of a message could complete it.
 */
export const createMarker = (tokens: readonly string[]): Marker => {
  const spelled = tokens.filter((token) => token !== '')
  const findAt = createTokenFinder(new Map(spelled.map((token) => [token, token])))
  const longest = spelled.reduce((most, token) => Math.max(most, token.length), 0)
  const startsToken = (text: string, at: number): boolean => {
    if (findAt(text, at) !== undefined) return true
    const tail = at + longest > text.length ? text.slice(at) : null
    return tail !== null && spelled.some((token) => token.startsWith(tail))
  }
  return (text) => {
    let marked = ''
    let settled = 0
    const markAfter = (end: number) => {
      marked += text.slice(settled, end) + mark
      settled = end
    }
    for (let at = 0; at < text.length; at += 1) {
      if (text[at] === mark) markAfter(at + 1)
      else if (startsToken(text, at)) markAfter(at + firstCharacter(text, at).length)
    }
    return marked + text.slice(settled)
  }
}

export const removeMarks = (text: string): string => text.replaceAll(/\ufdd0(\ufdd0?)/g, '$1')

/** Templates compare such texts: roles, types, names of fields. */
const isName = (text: string) => /^\w*$/.test(text)

const markValue = (value: unknown, marker: Marker): unknown => {
  const markText = (text: string) => (isName(text) ? text : marker(text))
  if (typeof value === 'string') return markText(value)
  if (Array.isArray(value)) return value.map((item) => markValue(item, marker))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [markText(key), markValue(item, marker)]),
  )
}

/**
 * A value as JSON has it, in the same form, with every text in it marked, names of fields too.
 */
export const markTexts = <Value>(value: Value, marker: Marker): Value =>
  markValue(value, marker) as Value
