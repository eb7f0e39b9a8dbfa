import { quote } from '../errors.ts'
import { codePointsOf, type CodePoints, complement, union } from './code-points.ts'
import { refuseConstraint } from './refusal.ts'

/** What a regular expression matches, anchors apart. */
export type RegexNode =
  | { readonly kind: 'set'; readonly set: CodePoints }
  | { readonly kind: 'sequence'; readonly parts: readonly RegexNode[] }
  | { readonly kind: 'choice'; readonly options: readonly RegexNode[] }
  | {
      readonly kind: 'repeat'
      readonly body: RegexNode
      readonly min: number
      readonly max: number | null
    }

export const sequenceOf = (parts: readonly RegexNode[]): RegexNode => {
  const [only] = parts
  return parts.length === 1 && only ? only : { kind: 'sequence', parts }
}

/** Options of one character each are one set: XGrammar follows that at the cost of one. */
export const choiceOf = (options: readonly RegexNode[]): RegexNode => {
  const flat = options.flatMap((option) => (option.kind === 'choice' ? option.options : [option]))
  const sets = flat.flatMap((option) => (option.kind === 'set' ? [option.set] : []))
  const others = flat.filter(({ kind }) => kind !== 'set')
  const all: readonly RegexNode[] =
    sets.length > 0 ? [{ kind: 'set', set: union(...sets) }, ...others] : others
  const [only] = all
  return all.length === 1 && only ? only : { kind: 'choice', options: all }
}

/** One way to match: where it is anchored, and what lies between. */
export type RegexBranch = {
  readonly atStart: boolean
  readonly atEnd: boolean
  readonly body: RegexNode
}

const digits: CodePoints = [[0x30, 0x39]]
const word = union(digits, codePointsOf('_'), [
  [0x41, 0x5a],
  [0x61, 0x7a],
])
// Of the characters beyond ASCII, a class has all or none: see `oneOf` in rules.ts.
const space = codePointsOf(' \t\n\r\f\v')
const lineEnds = codePointsOf('\n\r')
const classes: Readonly<Record<string, CodePoints>> = {
  d: digits,
  D: complement(digits),
  w: word,
  W: complement(word),
  s: space,
  S: complement(space),
}
const controls: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  f: '\f',
  v: '\v',
  '0': '\0',
}
const maxDepth = 50
const maxCount = 10_000

class RegexParser {
  readonly #pattern: string
  readonly #path: string
  #at = 0
  #depth = 0

  constructor(pattern: string, path: string) {
    this.#pattern = pattern
    this.#path = path
  }

  parse(): readonly RegexBranch[] {
    const branches = this.#branches()
    if (this.#at < this.#pattern.length) throw this.#refuse('has a ) without its (')
    return branches
  }

  #refuse(problem: string, at = this.#at) {
    return refuseConstraint(
      `The regular expression ${problem}, at character ${at + 1} of ${quote(this.#pattern)}.`,
      this.#path,
    )
  }

  #takes(text: string): boolean {
    if (!this.#pattern.startsWith(text, this.#at)) return false
    this.#at += text.length
    return true
  }

  #next(): string {
    const code = this.#pattern.codePointAt(this.#at)
    if (code === undefined) throw this.#refuse('ends too early')
    const character = String.fromCodePoint(code)
    this.#at += character.length
    return character
  }

  #branches(): readonly RegexBranch[] {
    const branches = [this.#branch()]
    while (this.#takes('|')) branches.push(this.#branch())
    return branches
  }

  #branch(): RegexBranch {
    const atStart = this.#takes('^')
    const parts: RegexNode[] = []
    const ends = () => this.#at >= this.#pattern.length || /[|)]/.test(this.#peek())
    while (!ends() && this.#peek() !== '$') parts.push(this.#repeated(this.#atom()))
    const atEnd = this.#takes('$')
    if (!ends()) throw this.#refuse('has an anchor in its middle, which Quire can not keep')
    return { atStart, atEnd, body: sequenceOf(parts) }
  }

  #peek(): string {
    return this.#pattern.charAt(this.#at)
  }

  #atom(): RegexNode {
    const start = this.#at
    const character = this.#next()
    if (character === '(') return this.#group()
    if (character === '[') return { kind: 'set', set: this.#class() }
    if (character === '.') return { kind: 'set', set: complement(lineEnds) }
    if (character === '\\') return { kind: 'set', set: this.#escape(false) }
    if ('*+?'.includes(character)) throw this.#refuse('repeats nothing', start)
    if (character === '^') {
      throw this.#refuse('has an anchor in its middle, which Quire can not keep', start)
    }
    return { kind: 'set', set: codePointsOf(character) }
  }

  #group(): RegexNode {
    const start = this.#at - 1
    if (this.#takes('?') && !this.#takes(':')) {
      const name = /^P?<[A-Za-z_]\w*>/.exec(this.#pattern.slice(this.#at))
      if (!name) throw this.#refuse('has a lookaround or a flag, which Quire can not keep', start)
      this.#at += name[0].length
    }
    this.#depth += 1
    if (this.#depth > maxDepth) throw this.#refuse('has too many groups within groups', start)
    const branches = this.#branches()
    this.#depth -= 1
    if (!this.#takes(')')) throw this.#refuse('has a ( without its )', start)
    if (branches.some(({ atStart, atEnd }) => atStart || atEnd)) {
      throw this.#refuse('has an anchor in a group, which Quire can not keep', start)
    }
    return choiceOf(branches.map(({ body }) => body))
  }

  #repeated(body: RegexNode): RegexNode {
    const counts = this.#counts()
    if (counts === null) return body
    // A lazy quantifier matches the same texts.
    this.#takes('?')
    if (this.#counts() !== null) throw this.#refuse('repeats a repetition')
    return { kind: 'repeat', body, ...counts }
  }

  #counts(): { readonly min: number; readonly max: number | null } | null {
    if (this.#takes('*')) return { min: 0, max: null }
    if (this.#takes('+')) return { min: 1, max: null }
    if (this.#takes('?')) return { min: 0, max: 1 }
    const braces = /^\{(\d+)(,(\d*))?\}/.exec(this.#pattern.slice(this.#at))
    if (!braces) return null
    const [text, first = '', comma, last = ''] = braces
    const min = Number(first)
    const max = comma === undefined ? min : last === '' ? null : Number(last)
    if (Math.max(min, max ?? 0) > maxCount) {
      throw this.#refuse(`repeats something more than ${maxCount} times`)
    }
    if (max !== null && max < min) throw this.#refuse('has a repetition that ends before it begins')
    this.#at += text.length
    return { min, max }
  }

  #class(): CodePoints {
    const start = this.#at - 1
    const negated = this.#takes('^')
    const sets: CodePoints[] = []
    while (!this.#takes(']')) {
      const first = this.#classItem()
      const isRange = this.#peek() === '-' && this.#pattern.charAt(this.#at + 1) !== ']'
      if (!isRange) {
        sets.push(first)
        continue
      }
      this.#at += 1
      const [[from, single] = [0, 1], [to, end] = [0, 1]] = [first[0], this.#classItem()[0]]
      if (from !== single || to !== end || to < from) {
        throw this.#refuse('has a range that is none', start)
      }
      sets.push([[from, to]])
    }
    const set = union(...sets)
    if (negated) return complement(set)
    if (set.length === 0) throw this.#refuse('has a class without characters', start)
    return set
  }

  #classItem(): CodePoints {
    const character = this.#next()
    return character === '\\' ? this.#escape(true) : codePointsOf(character)
  }

  #escape(inClass: boolean): CodePoints {
    const start = this.#at - 1
    const character = this.#next()
    const set = Object.hasOwn(classes, character) ? classes[character] : undefined
    if (set) return set
    if (inClass && character === 'b') return codePointsOf('\b')
    const control = Object.hasOwn(controls, character) ? controls[character] : undefined
    if (control !== undefined) return codePointsOf(control)
    if (/[xuU]/.test(character)) return this.#numbered(start)
    if (/[A-Za-z0-9]/.test(character)) {
      throw this.#refuse(`has \\${character}, which Quire can not keep`, start)
    }
    return codePointsOf(character)
  }

  #numbered(start: number): CodePoints {
    const forms = /^\\(?:x([\da-f]{2})|u([\da-f]{4})|u\{([\da-f]{1,6})\}|U([\da-f]{8}))/i
    const match = forms.exec(this.#pattern.slice(start))
    if (!match) throw this.#refuse('has an unfinished escape', start)
    const code = Number.parseInt(match.slice(1).find((hex) => hex !== undefined) ?? '', 16)
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
      throw this.#refuse('has an escape that is no character', start)
    }
    this.#at = start + match[0].length
    return [[code, code]]
  }
}

/**
 * Reads a regular expression as far as a grammar can keep it: no lookaround, back references, word
 * boundaries, flags or anchors in the middle.
 *
 * @throws EngineError `invalid-request` with the position of what is wrong.
 */
export const parseRegex = (pattern: string, path = ''): readonly RegexBranch[] =>
  new RegexParser(pattern, path).parse()
