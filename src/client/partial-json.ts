const tokens = /"(?:[^"\\]+|\\[^])*(?:"|\\?$)|[{}[\],:]|[^\s{}[\],:"]+/g

// As far as its characters are whole: escapes, and pairs of escapes that make one character.
const cut = /(?:\\(?:u[0-9a-fA-F]{0,3})?)?$/.source
const highSurrogate = /[dD][89abAB][0-9a-fA-F]{2}/.source
const stringStart = new RegExp(
  `^"(?:[^"\\\\]+|\\\\[^u]|\\\\u(?!${highSurrogate}${cut})[0-9a-fA-F]{4})*`,
)
const numberStart = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/

/** The value whose text ends with the whole text, as far as it can be told; '' where it can't. */
const closeValue = (text: string): string => {
  if (text.startsWith('"')) return `${stringStart.exec(text)?.[0]}"`
  if (['true', 'false', 'null'].includes(text)) return text
  return numberStart.exec(text)?.[0] ?? ''
}

/**
 * The JSON of as much as the text tells: the text up to its last whole value, and what closes it.
 */
const closeJson = (text: string): string => {
  const closers: string[] = []
  let isKey = false
  let head = ''
  for (const { 0: token, index } of text.matchAll(tokens)) {
    const end = index + token.length
    if (token === '{' || token === '[') {
      closers.push(token === '{' ? '}' : ']')
      head = text.slice(0, end)
      isKey = token === '{'
    } else if (token === '}' || token === ']') {
      closers.pop()
      head = text.slice(0, end)
    } else if (token === ',') isKey = closers.at(-1) === '}'
    else if (token === ':') isKey = false
    else if (!isKey) {
      const value = end === text.length ? closeValue(token) : token
      if (value !== '') head = text.slice(0, index) + value
    }
  }
  return head + closers.toReversed().join('')
}

/**
 * Reads JSON of which only the start is there yet, such as the arguments of a call that still
 * streams: strings as far as they go, objects and arrays with the members that have begun to have a
 * value. A number may still grow.
 *
 * It reads and doesn't judge: an error may show only when all of the text is there, and
 * `parseArguments` tells it.
 *
 * @returns undefined where nothing can be read.
 *
 * @example
 * parsePartialJson('{"city": "Os') // { city: 'Os' }
 */
export const parsePartialJson = (text: string): unknown => {
  try {
    return JSON.parse(closeJson(text))
  } catch {
    return undefined
  }
}
