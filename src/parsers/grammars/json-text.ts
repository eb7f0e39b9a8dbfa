const isJsonNumber = (text: string) => /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)

const words: Readonly<Record<string, string>> = {
  true: 'true',
  True: 'true',
  false: 'false',
  False: 'false',
  null: 'null',
  None: 'null',
}

/** What JSON takes for white space. */
export const isSpace = (char: string) =>
  char === ' ' || char === '\n' || char === '\r' || char === '\t'

/** The value of a JSON text; undefined where it is none. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/**
 * A piece of text as it stands inside a JSON string. Escapes no more than JSON asks for, so that
 * halves of a surrogate pair may come in two pieces.
 */
export const escapeText = (text: string): string =>
  text.replaceAll(/["\\\p{Cc}]/gu, (char) => JSON.stringify(char).slice(1, -1))

export const quoteText = (text: string): string => `"${escapeText(text)}"`

/**
 * A number as JSON writes it, null for text that is none: signs, leading zeros, underscores and
 * hexadecimal digits are Python's.
 */
export const numberText = (text: string): string | null => {
  if (isJsonNumber(text)) return text
  if (!/^[+-]?(?:0[xob][\da-f_]+|[\d_]*\.?[\d_]*(?:e[+-]?\d+)?)$/i.test(text)) return null
  const sign = text.startsWith('-') ? -1 : 1
  const digits = text.replace(/^[+-]/, '').replaceAll('_', '')
  const value = /\d/.test(digits) ? sign * Number(digits) : Number.NaN
  return Number.isFinite(value) ? String(value) : null
}

/** A bare word of JSON or Python as JSON: a constant, a number, or else a string. */
export const scalarText = (text: string): string =>
  (Object.hasOwn(words, text) ? words[text] : undefined) ?? numberText(text) ?? quoteText(text)
