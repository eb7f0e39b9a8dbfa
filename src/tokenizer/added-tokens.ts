import {
  isObject,
  type JsonObject,
  readCount,
  readFlag,
  readList,
  readObject,
  readText,
} from './json-fields.ts'
import type { Normalizer } from './normalizer.ts'
import { createTokenFinder } from './token-finder.ts'

/** A token that is found in the text itself, before the model splits what is left. */
export type AddedToken = {
  readonly id: number
  readonly content: string
  readonly special: boolean
  /** Matches only where no letter, digit or mark stands next to it. */
  readonly singleWord: boolean
  /** Takes the white space on its left (right) along. */
  readonly lstrip: boolean
  readonly rstrip: boolean
  /** Is looked for in the normalized text instead of the text as given. */
  readonly normalized: boolean
}

const readAddedToken = (token: JsonObject, id: unknown, where: string): AddedToken => {
  const flag = (name: string, fallback: boolean) =>
    readFlag(token[name], `${where}.${name}`, fallback)
  const special = flag('special', false)
  return {
    id: readCount(id, `${where}.id`),
    content: readText(token['content'], `${where}.content`),
    special,
    singleWord: flag('single_word', false),
    lstrip: flag('lstrip', false),
    rstrip: flag('rstrip', false),
    normalized: flag('normalized', !special),
  }
}

/**
 * The added tokens of a tokenizer.json, and those that tokenizer_config.json declares and
 * tokenizer.json lacks, as older exports do.
 */
export const readAddedTokens = (tokenizerJson: JsonObject, config: JsonObject): AddedToken[] => {
  const listed = readList(tokenizerJson['added_tokens'] ?? [], 'added_tokens').map(
    (value, index) => {
      const where = `added_tokens[${index}]`
      const token = readObject(value, where)
      return readAddedToken(token, token['id'], where)
    },
  )
  const known = new Set(listed.map((token) => token.content))
  const declared = config['added_tokens_decoder']
  const late = Object.entries(isObject(declared) ? declared : {}).flatMap(([id, token]) =>
    isObject(token) && typeof token['content'] === 'string' && !known.has(token['content'])
      ? [readAddedToken(token, Number(id), `added_tokens_decoder["${id}"]`)]
      : [],
  )
  return [...listed, ...late].filter((token) => token.content !== '')
}

/** A part of a text: an added token, or text between such tokens and where it begins. */
export type Section =
  | { readonly token: AddedToken }
  | { readonly token: null; readonly text: string; readonly start: number }

const wordCharacter = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\u200c\\u200d]'
const wordStart = new RegExp(`^${wordCharacter}`, 'u')
const wordEnd = new RegExp(`${wordCharacter}$`, 'u')
const whitespace = /\p{White_Space}/u

const standsAlone = (text: string, start: number, end: number): boolean =>
  // Two code units, for the character before may take as many.
  !wordEnd.test(text.slice(Math.max(0, start - 2), start)) &&
  !wordStart.test(text.slice(end, end + 2))

const skipSpacesBack = (text: string, from: number, least: number): number => {
  let start = from
  while (start > least && whitespace.test(text.charAt(start - 1))) start -= 1
  return start
}

const skipSpaces = (text: string, from: number): number => {
  let end = from
  while (end < text.length && whitespace.test(text.charAt(end))) end += 1
  return end
}

/**
 * Cuts a text at the tokens of a map, whose keys are the texts to look for: the leftmost first, and
 * of those the longest.
 */
const createSplitter = (tokens: ReadonlyMap<string, AddedToken>) => {
  const findAt = createTokenFinder(
    new Map([...tokens].map(([text, token]) => [text, { token, length: text.length }])),
  )
  return (text: string): Section[] => {
    const sections: Section[] = []
    let settled = 0
    const settleText = (end: number) => {
      if (settled < end) {
        sections.push({ token: null, text: text.slice(settled, end), start: settled })
      }
    }
    for (let at = 0; at < text.length; at += 1) {
      const found = findAt(text, at)
      if (!found) continue
      const { token, length } = found
      const end = at + length
      if (!token.singleWord || standsAlone(text, at, end)) {
        settleText(token.lstrip ? skipSpacesBack(text, at, settled) : at)
        sections.push({ token })
        settled = token.rstrip ? skipSpaces(text, end) : end
      }
      at = end - 1
    }
    settleText(text.length)
    return sections
  }
}

export type AddedTokenSplitter = {
  /** Cuts the text as it was given. */
  readonly splitGiven: (text: string) => Section[]
  /** Cuts what is left of it, after normalization. */
  readonly splitNormalized: (text: string) => Section[]
}

/** Looks for added tokens as Rust `tokenizers` does: first in the given, then the normalized text. */
export const createAddedTokenSplitter = (
  tokens: readonly AddedToken[],
  normalize: Normalizer,
): AddedTokenSplitter => {
  const given = tokens.filter((token) => !token.normalized)
  const normalized = tokens
    .filter((token) => token.normalized)
    .map((token) => [normalize(token.content), token] as const)
    .filter(([text]) => text !== '')
  return {
    splitGiven: createSplitter(new Map(given.map((token) => [token.content, token]))),
    splitNormalized: createSplitter(new Map(normalized)),
  }
}
