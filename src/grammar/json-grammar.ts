import { codePointsOf, complement, intersect } from './code-points.ts'
import { anyNumber } from './number-grammar.ts'
import { jsonText, matchWithin } from './regex-grammar.ts'
import type { Length } from './regex-length.ts'
import { choice, literal, oneOf, repeat, type Rules, sequence } from './rules.ts'

/** What stands between the parts of an object or list, as EBNF. */
export type JsonLayout = {
  /** Behind `{` and `[`, and in front of `}` and `]`. */
  readonly inside: string
  /** With white space around the comma and the colon, where it may stand there. */
  readonly comma: string
  readonly colon: string
}

/**
 * White space as people write it: nothing, a space, or a new line and its indentation. JSON allows any
 * amount, in which a small model gets lost.
 */
const freeSpace = '(" " | "\\n" [ \\t]{0,8})?'

export const layoutWith = (space: string): JsonLayout => ({
  inside: space,
  comma: sequence([space, '","', space]),
  colon: sequence([space, '":"', space]),
})

export const freeLayout = layoutWith(freeSpace)

/** One line, as Python's `json.dumps` writes it. */
export const compactLayout: JsonLayout = { inside: '', comma: '", "', colon: '": "' }

const quoteMark = literal('"')
const hex = '[0-9a-fA-F]'
/** Any escape but those of surrogates, so that a character is one, however it is written. */
const escapeMark = literal('\\')
const escape = `["\\\\/bfnrt] | "u" ([0-9a-cA-CeEfF] ${hex} ${hex} ${hex} | [dD] [0-7] ${hex} ${hex})`
const rawCharacters = complement([[0, 0x1f], ...codePointsOf('"\\')])
const rawCharacter = oneOf(rawCharacters) ?? ''
/** Longest string whose every character is a rule: those compile slowly, and are followed fast. */
const longestChain = 32
/** Keys that differ from a listed one only further in are not generated. */
const longestCommonStart = 64

export const quoted = (body: string): string => sequence([quoteMark, body, quoteMark])

/**
 * JSON's building blocks. Whole values are rules of their own, what is smaller stands in the rules that
 * use it: a token that leaves the rule it begins in can be judged only while text is generated, and
 * most tokens begin with a space or are longer than a character.
 */
export class JsonGrammar {
  readonly rules: Rules
  readonly layout: JsonLayout
  /** Rules by their bodies: formats come again and again. */
  readonly #patterns = new Map<string, string>()

  constructor(rules: Rules, layout: JsonLayout) {
    this.rules = rules
    this.layout = layout
  }

  /** Strings of so many characters; `max` null for any. */
  string(min = 0, max: number | null = null): string {
    if (Math.max(min, max ?? 0) <= longestChain) {
      const rest = this.#restOfString(min, max === null ? null : max - min)
      return this.rules.shared(`string_${min}_${max ?? 'any'}`, () => sequence([quoteMark, rest]))
    }
    const character = this.rules.shared(
      'character',
      () => `${rawCharacter} | ${escapeMark} (${escape})`,
    )
    return this.rules.shared(`string_${min}_${max ?? 'any'}`, () =>
      quoted(repeat(character, min, max)),
    )
  }

  /**
   * What follows of a string with so many characters to come, and the mark at its end. XGrammar judges
   * most tokens beforehand in rules that go on in themselves and say what follows them, `(=`.
   */
  #restOfString(required: number, optional: number | null): string {
    return this.rules.shared(`rest_${required}_${optional ?? 'any'}`, () => {
      if (required === 0 && optional === 0) return quoteMark
      const next =
        required > 0
          ? this.#restOfString(required - 1, optional)
          : this.#restOfString(0, optional === null ? null : optional - 1)
      const behindEscape = this.rules.shared('escape', () => escape)
      const options = [`${rawCharacter} ${next}`, `${escapeMark} ${behindEscape} ${next}`]
      if (required === 0) options.unshift(quoteMark)
      return `(${options.join(' | ')}) (= [ \\n\\t]* [,}\\]:])`
    })
  }

  /** Strings in which the regular expression matches somewhere; null where there is none so long. */
  matching(pattern: string, path: string, length?: Length): string | null {
    const body = matchWithin(pattern, jsonText, path, length)
    if (body === null) return null
    const rule = this.#patterns.get(body) ?? this.rules.add('pattern', quoted(body))
    this.#patterns.set(body, rule)
    return rule
  }

  number(): string {
    return this.rules.shared('number', () => anyNumber)
  }

  value(): string {
    return this.rules.shared('value', () =>
      choice([this.object(), this.array(), this.string(), this.number(), ...constants]),
    )
  }

  object(): string {
    return this.rules.shared('object', () =>
      this.members([sequence([this.string(), this.layout.colon, this.value()])]),
    )
  }

  array(): string {
    return this.rules.shared('array', () => this.elements([], this.value(), 0, null))
  }

  /** An object of any number of members of these kinds, none among them. */
  members(kinds: readonly string[]): string {
    const member = choice(kinds)
    const { inside, comma } = this.layout
    const more = repeat(sequence([comma, member]), 0, null)
    return sequence(['"{"', inside, `(${sequence([member, more, inside])})?`, '"}"'])
  }

  /** A list that begins with `first`, goes on with `rest` (null for nothing), `min` to `max` in all. */
  elements(first: readonly string[], rest: string | null, min: number, max: number | null): string {
    const { inside, comma } = this.layout
    const more = (item: string) => sequence([comma, item])
    const tail = (known: number): string => {
      const room = max === null ? null : Math.max(0, max - known)
      if (rest === null || room === 0) return ''
      return repeat(more(rest), Math.max(0, min - known), room)
    }
    // From the last optional item to the front: each may be there only behind those before it.
    let body = ''
    for (let at = first.length - 1; at >= 0; at -= 1) {
      if (max !== null && at >= max) continue
      const isLast = at === first.length - 1
      const behind = isLast ? tail(first.length) : body
      const item = at === 0 ? (first[at] ?? '') : more(first[at] ?? '')
      const whole = sequence([item, behind === '' ? '' : behind])
      body = at < min ? whole : `(${whole})?`
    }
    if (first.length === 0 && rest !== null && max !== 0) {
      const room = max === null ? null : max - 1
      const whole = sequence([rest, repeat(more(rest), Math.max(0, min - 1), room)])
      body = min > 0 ? whole : `(${whole})?`
    }
    return sequence(['"["', inside, body, body === '' ? '' : inside, '"]"'])
  }

  /** A list of some of these, in their order, `min` to `max` in all; null where there is none. */
  distinct(items: readonly string[], min: number, max: number | null): string | null {
    const { inside, comma } = this.layout
    const known = new Map<string, string | null>()
    const from = (at: number, needed: number, room: number | null): string | null => {
      const key = `${at} ${needed} ${room}`
      const body = known.has(key) ? (known.get(key) ?? null) : follow(at, needed, room)
      known.set(key, body)
      return body
    }
    const follow = (at: number, needed: number, room: number | null): string | null => {
      const options = needed === 0 ? [sequence([inside, '"]"'])] : []
      for (const [later, item] of room === 0 ? [] : items.slice(at).entries()) {
        const left = room === null ? null : room - 1
        const rest = from(at + later + 1, Math.max(0, needed - 1), left)
        if (rest !== null) options.push(sequence([at === 0 ? '' : comma, item, rest]))
      }
      return options.length === 0 ? null : this.rules.add('distinct', choice(options))
    }
    const body = from(0, min, max !== null && max < items.length ? max : null)
    return body === null ? null : sequence(['"["', inside, body])
  }

  /** Strings that are none of these keys. Without escapes: they would spell the same key anew. */
  otherKey(keys: readonly string[]): string {
    return this.rules.add('other_key', quoted(this.#otherThan(new Set(keys))))
  }

  /** Texts that are none of `words`: they leave the trie of the words, or end inside of it. */
  #otherThan(words: ReadonlySet<string>, depth = 0): string {
    const byFirst = new Map<string, Set<string>>()
    for (const word of words) {
      const [first] = Array.from(word)
      if (first === undefined) continue
      const tails = byFirst.get(first) ?? new Set()
      byFirst.set(first, tails.add(word.slice(first.length)))
    }
    const others = intersect(complement(codePointsOf([...byFirst.keys()].join(''))), rawCharacters)
    const leaving = oneOf(others) ?? oneOf(intersect(others, [[0, 0x7f]]))
    const options = leaving === null ? [] : [sequence([leaving, repeat(rawCharacter, 0, null)])]
    if (!words.has('')) options.push('""')
    for (const [first, tails] of byFirst) {
      const isRaw = intersect(codePointsOf(first), rawCharacters).length > 0
      if (!isRaw || depth >= longestCommonStart) continue
      options.push(sequence([literal(first), this.#otherThan(tails, depth + 1)]))
    }
    return this.rules.add('key', options.join(' | '))
  }
}

const constants = ['"true"', '"false"', '"null"'] as const
