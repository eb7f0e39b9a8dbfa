type Ends = { readonly left: boolean; readonly right: boolean }

/** Python's `str.strip(characters)`: any of them, white space unless given, from the given ends. */
const strip =
  ({ left, right }: Ends) =>
  (text: string, characters: unknown): string => {
    if (typeof characters !== 'string') {
      const begun = left ? text.trimStart() : text
      return right ? begun.trimEnd() : begun
    }
    const points = Array.from(text)
    const isKept = (point: string) => !characters.includes(point)
    const start = left ? points.findIndex(isKept) : 0
    const end = right ? points.findLastIndex(isKept) + 1 : points.length
    return start === -1 ? '' : points.slice(start, end).join('')
  }

const toText = (value: unknown): string => {
  if (typeof value === 'string') return value
  throw new Error('a string method takes strings')
}

const splitFromRight = (text: string, separator: unknown, limit: unknown): string[] => {
  const parts = separator == null ? text.trim().split(/\s+/) : text.split(toText(separator))
  if (typeof limit !== 'number' || limit < 0 || parts.length <= limit + 1) return parts
  if (separator == null) throw new Error('rsplit() with a limit takes a separator')
  const cut = parts.length - limit
  return [parts.slice(0, cut).join(toText(separator)), ...parts.slice(cut)]
}

/** Places count characters, not UTF-16 units. */
const find = (text: string, part: unknown): number => {
  const at = text.indexOf(toText(part))
  return at === -1 ? -1 : Array.from(text.slice(0, at)).length
}

const capitalize = (text: string): string => {
  const [first = '', ...rest] = Array.from(text)
  return first.toUpperCase() + rest.join('').toLowerCase()
}

const removePrefix = (text: string, prefix: unknown): string =>
  text.startsWith(toText(prefix)) ? text.slice(toText(prefix).length) : text

const removeSuffix = (text: string, suffix: unknown): string =>
  suffix !== '' && text.endsWith(toText(suffix)) ? text.slice(0, -toText(suffix).length) : text

const join = (text: string, parts: unknown): string => {
  if (Array.isArray(parts)) return parts.map(toText).join(text)
  throw new Error('join() takes a list of strings')
}

/** Methods of Python's `str` that `@huggingface/jinja` 0.5 lacks, or does in another way. */
export const stringMethods = {
  strip: strip({ left: true, right: true }),
  lstrip: strip({ left: true, right: false }),
  rstrip: strip({ left: false, right: true }),
  capitalize,
  count: (text: string, part: unknown) => text.split(toText(part)).length - 1,
  find,
  isdigit: (text: string) => /^\p{Nd}+$/u.test(text),
  join,
  removeprefix: removePrefix,
  removesuffix: removeSuffix,
  rsplit: splitFromRight,
  splitlines: (text: string) => text.replace(/\r?\n$|\r$/, '').split(/\r\n|\r|\n/),
} satisfies Readonly<Record<string, (text: string, ...args: readonly unknown[]) => unknown>>

const maxLength = 2 ** 20

/** Python's `text * count`. */
export const repeatText = (text: string, count: number): string => {
  const times = Math.max(0, count)
  if (!(text.length * times <= maxLength)) throw new Error('A repeated text is too long')
  return text.repeat(times)
}
