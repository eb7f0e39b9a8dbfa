import { type CodePoints, complement, intersect, sizeOf } from './code-points.ts'

/** Outside of letters, digits and space each character is written by its number. */
const escapeCode = (code: number): string => {
  const character = String.fromCodePoint(code)
  if (/[A-Za-z0-9 ]/.test(character)) return character
  return code > 0xffff
    ? `\\U${code.toString(16).padStart(8, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`
}

/** Just this text. */
export const literal = (text: string): string =>
  `"${Array.from(text.toWellFormed(), (part) => escapeCode(part.codePointAt(0) ?? 0)).join('')}"`

const asClass = (set: CodePoints, negated = ''): string => {
  const ranges = set.map(([first, last]) =>
    first === last ? escapeCode(first) : `${escapeCode(first)}-${escapeCode(last)}`,
  )
  return `[${negated}${ranges.join('')}]`
}

const ascii: CodePoints = [[0, 0x7f]]
const beyondAscii = complement(ascii)
const mostListed = 512

/**
 * One character out of a set; null where the grammar can't tell it apart. XGrammar 0.1.27 reads classes
 * of ASCII alone, negated ones with all that is beyond it, so beyond ASCII there is all or a short list.
 */
export const oneOf = (set: CodePoints): string | null => {
  const [low, high] = [intersect(set, ascii), intersect(set, beyondAscii)]
  const options = low.length > 0 ? [asClass(low)] : []
  const missing = intersect(complement(set), ascii)
  if (sizeOf(high) === sizeOf(beyondAscii)) {
    return missing.length > 0 ? asClass(missing, '^') : choice([...options, asClass(ascii, '^')])
  }
  if (sizeOf(high) > mostListed) return null
  for (const [first, last] of high) {
    for (let code = first; code <= last; code += 1)
      options.push(literal(String.fromCodePoint(code)))
  }
  return options.length === 0 ? null : choice(options)
}

export const sequence = (parts: readonly string[]): string =>
  parts.filter((part) => part !== '').join(' ') || '""'

export const choice = (options: readonly string[]): string =>
  options.length === 1 ? (options[0] ?? '""') : `(${options.join(' | ')})`

/** `max` null for any number of times from `min` on. */
export const repeat = (body: string, min: number, max: number | null): string => {
  if (max === 0) return '""'
  if (min === 1 && max === 1) return body
  if (min === 0 && max === null) return `(${body})*`
  if (min === 0 && max === 1) return `(${body})?`
  return `(${body}){${min},${max ?? ''}}`
}

/** The rules of a grammar in XGrammar's EBNF. The start rule is `root`. */
export class Rules {
  readonly #bodies = new Map<string, string>()
  readonly #shared = new Map<string, string>()

  /** A rule of its own; returns its name, by which other rules call it. */
  add(hint: string, body: string): string {
    const name = this.reserve(hint)
    this.define(name, body)
    return name
  }

  /** A name for a rule that is defined later, as recursion needs it. */
  reserve(hint: string): string {
    const name = `${hint.replaceAll(/\W/g, '_')}_${this.#bodies.size}`
    this.#bodies.set(name, '')
    return name
  }

  define(name: string, body: string): void {
    this.#bodies.set(name, body)
  }

  /** One rule for all that ask for the same key. `build` may ask for it too. */
  shared(key: string, build: () => string): string {
    const known = this.#shared.get(key)
    if (known !== undefined) return known
    const name = this.reserve(key)
    this.#shared.set(key, name)
    this.define(name, build())
    return name
  }

  text(root: string): string {
    const lines = [...this.#bodies].map(([name, body]) => `${name} ::= ${body}`)
    return [`root ::= ${root}`, ...lines].join('\n')
  }
}
