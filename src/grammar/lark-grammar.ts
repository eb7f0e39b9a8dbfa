import { quote } from '../errors.ts'
import { codePointsOf } from './code-points.ts'
import { refuseConstraint } from './refusal.ts'
import { wholeMatch } from './regex-grammar.ts'
import { choice, literal, oneOf, repeat, Rules, sequence } from './rules.ts'

const decimal = '([0-9]+\\.[0-9]*|\\.[0-9]+)'
const exponent = '([eE][+-]?[0-9]+)'
const float = `([0-9]+${exponent}|${decimal}${exponent}?)`

/** Terminals of Lark's own library, as regular expressions. */
const library: Readonly<Record<string, string>> = {
  DIGIT: '[0-9]',
  HEXDIGIT: '[0-9a-fA-F]',
  INT: '[0-9]+',
  SIGNED_INT: '[+-]?[0-9]+',
  DECIMAL: decimal,
  FLOAT: float,
  SIGNED_FLOAT: `[+-]?${float}`,
  NUMBER: `(${float}|[0-9]+)`,
  SIGNED_NUMBER: `[+-]?(${float}|[0-9]+)`,
  LCASE_LETTER: '[a-z]',
  UCASE_LETTER: '[A-Z]',
  LETTER: '[a-zA-Z]',
  WORD: '[a-zA-Z]+',
  CNAME: '[_a-zA-Z][_a-zA-Z0-9]*',
  ESCAPED_STRING: '"([^"\\\\\\n]|\\\\.)*"',
  WS_INLINE: '[ \\t]+',
  WS: '[ \\t\\f\\r\\n]+',
  NEWLINE: '(\\r?\\n)+',
}

/** A line that begins a rule or a directive; others go on with the one before. */
const statementStart = /^[ \t]*(?:[?!]{0,2}[A-Za-z_]\w*(?:\.-?\d+)?[ \t]*:|%)/
const header = /^\s*[?!]{0,2}(\w+)(?:\.-?\d+)?\s*:/
const directive =
  /^\s*%(ignore\b|llguidance\b|import\s+common(?:\s*\.\s*(\w+)|\s*\(([^)]*)\))(?:\s*->\s*(\w+))?)/

/**
 * Texts, comments, regular expressions, classes and counts of EBNF (as in vLLM), names, signs. What
 * is not closed is one token too, so that no text takes longer than its length.
 */
const token =
  /"(?:[^"\\\n]|\\.)*(?:"i?)?|'(?:[^'\\\n]|\\.)*(?:'i?)?|\/\/.*|#.*|\/(?:[^/\\\n]|\\.)+(?:\/\w*)?|\[\^?\d(?:[^[\]\\\n]|\\.)*\]?|\{\d+(?:,\d*)?\}|->\s*\w+|\.\.|\w+|\s+|[^]/gu
const closedText = /^(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')i?$/u

const maxDepth = 50

/** A grammar in which no rule is written as in EBNF; so vLLM tells them apart too. */
export const isLark = (text: string): boolean => !/^[ \t]*[\w.-]+[ \t]*::=/m.test(text)

const invalid = (what: string) => refuseConstraint(`The grammar is invalid: ${what}`)

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f', v: '\v' }

const spelled = (text: string): string =>
  text
    .slice(1, text.lastIndexOf(text[0] ?? ''))
    .replaceAll(/\\(?:u([\da-f]{4})|x([\da-f]{2})|([^]))/giu, (_, wide, short, other) => {
      const code: string | undefined = wide ?? short
      if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16))
      return escapes[other] ?? other
    })

const inAnyCase = (text: string): string =>
  sequence(
    Array.from(
      text,
      (part) => oneOf(codePointsOf(part.toLowerCase() + part.toUpperCase())) ?? literal(part),
    ),
  )

const tokensOf = (body: string): string[] =>
  Array.from(body.matchAll(token), ([part]) => part).filter(
    (part) => !/^(?:\s|\/\/|#|->)/.test(part),
  )

/** Reads what stands behind a rule's colon. */
class BodyReader {
  readonly #rule: string
  readonly #tokens: readonly string[]
  /** The EBNF of another rule or terminal; null where there is none. */
  readonly #nameOf: (name: string) => string | null
  #at = 0
  #depth = 0

  constructor(rule: string, tokens: readonly string[], nameOf: (name: string) => string | null) {
    this.#rule = rule
    this.#tokens = tokens
    this.#nameOf = nameOf
  }

  read(): string {
    const body = this.#alternatives()
    if (this.#at < this.#tokens.length) throw this.#unexpected()
    return body
  }

  #unexpected() {
    const part = this.#tokens[this.#at]
    const what = part === undefined ? 'It ends too early' : `Unexpected ${quote(part)}`
    return invalid(`${what} in the rule ${quote(this.#rule)}.`)
  }

  #take(part: string): boolean {
    if (this.#tokens[this.#at] !== part) return false
    this.#at += 1
    return true
  }

  #alternatives(): string {
    const options = [this.#sequence()]
    while (this.#take('|')) options.push(this.#sequence())
    return choice(options)
  }

  #sequence(): string {
    const parts: string[] = []
    for (let next = this.#tokens[this.#at]; next !== undefined; next = this.#tokens[this.#at]) {
      if (next === '|' || next === ')' || next === ']') break
      parts.push(this.#repeated())
    }
    return sequence(parts)
  }

  #repeated(): string {
    const body = this.#atom()
    if (this.#take('?')) return repeat(body, 0, 1)
    if (this.#take('*')) return repeat(body, 0, null)
    if (this.#take('+')) return repeat(body, 1, null)
    const [, min, comma, max] = /^\{(\d+)(,?)(\d*)\}$/.exec(this.#tokens[this.#at] ?? '') ?? []
    if (min !== undefined) {
      this.#at += 1
      return repeat(body, Number(min), max ? Number(max) : comma ? null : Number(min))
    }
    if (!this.#take('~')) return body
    const least = this.#count()
    return repeat(body, least, this.#take('..') ? this.#count() : least)
  }

  #count(): number {
    const part = this.#tokens[this.#at] ?? ''
    if (!/^\d+$/.test(part)) throw this.#unexpected()
    this.#at += 1
    return Number(part)
  }

  #group(end: string): string {
    this.#depth += 1
    if (this.#depth > maxDepth) {
      throw invalid(`The rule ${quote(this.#rule)} nests deeper than ${maxDepth} levels.`)
    }
    const body = this.#alternatives()
    if (!this.#take(end)) throw this.#unexpected()
    this.#depth -= 1
    return `(${body})`
  }

  #atom(): string {
    if (this.#take('(')) return this.#group(')')
    if (this.#take('[')) return repeat(this.#group(']'), 0, 1)
    const part = this.#tokens[this.#at] ?? ''
    if (closedText.test(part)) return this.#text(part)
    const written = this.#single(part)
    if (written === null) throw this.#unexpected()
    this.#at += 1
    return written
  }

  #single(part: string): string | null {
    if (/^\[./.test(part)) return wholeMatch(part)
    if (/^\/./.test(part)) {
      const end = part.lastIndexOf('/')
      return end === part.length - 1 ? wholeMatch(part.slice(1, end)) : null
    }
    if (!/^[A-Za-z_]/.test(part)) return null
    const name = this.#nameOf(part)
    if (name === null) {
      throw invalid(`The rule ${quote(this.#rule)} names ${quote(part)}, which is not defined.`)
    }
    return name
  }

  #text(part: string): string {
    this.#at += 1
    const text = spelled(part)
    if (part.endsWith('i')) return inAnyCase(text)
    if (!this.#take('..')) return literal(text)
    const last = spelled(this.#tokens[this.#at] ?? '')
    const [from, to] = [text.codePointAt(0), last.codePointAt(0)]
    const isRange = from !== undefined && to !== undefined && from <= to
    const written = isRange ? oneOf([[from, to]]) : null
    if (written === null) throw this.#unexpected()
    this.#at += 1
    return written
  }
}

const statementsOf = (text: string): string[] => {
  const statements: string[] = []
  for (const line of text.split('\n')) {
    if (statementStart.test(line)) statements.push(line)
    else if (statements.length > 0) statements.push(`${statements.pop() ?? ''}\n${line}`)
    else if (tokensOf(line).length > 0) {
      throw invalid(`It begins with ${quote(line.trim())}, which is no rule of Lark or EBNF.`)
    }
  }
  return statements
}

/** @returns The names that a statement takes out of Lark's library, by the names given to them. */
const importsOf = (statement: string): [name: string, terminal: string][] => {
  const [, kind, single, several, alias] = directive.exec(statement) ?? []
  if (kind === 'ignore' || kind === 'llguidance') return []
  const names = single === undefined ? (several?.split(',') ?? []) : [single]
  const imports = names.map((name) => name.trim())
  const unknown = imports.find((name) => !Object.hasOwn(library, name))
  if (imports.length === 0 || unknown !== undefined) {
    throw invalid(`There is no ${quote(statement.trim())} here.`)
  }
  return imports.map((name) => [alias ?? name, name])
}

/**
 * Lark's notation as EBNF. What it would ignore (`%ignore`) is left out of the texts, as in vLLM;
 * templates and terminals of other grammars are refused.
 *
 * @throws EngineError `invalid-request` naming the rule.
 */
export const larkToEbnf = (text: string): string => {
  const rules = new Rules()
  const names = new Map<string, string>()
  const bodies = new Map<string, string>()
  for (const statement of statementsOf(text)) {
    const name = header.exec(statement)?.[1]
    if (name === undefined) {
      for (const [alias, terminal] of importsOf(statement)) {
        names.set(alias, rules.add(alias, wholeMatch(library[terminal] ?? '')))
      }
    } else if (bodies.has(name)) throw invalid(`It defines ${quote(name)} twice.`)
    else {
      bodies.set(name, statement.replace(header, ''))
      names.set(name, rules.reserve(name))
    }
  }
  for (const [name, body] of bodies) {
    const reader = new BodyReader(name, tokensOf(body), (other) => names.get(other) ?? null)
    rules.define(names.get(name) ?? name, reader.read())
  }
  const start = bodies.has('start') ? 'start' : bodies.keys().next().value
  if (start === undefined) throw invalid('It has no rules.')
  return rules.text(names.get(start) ?? start)
}
