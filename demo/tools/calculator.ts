import { roundForDisplay, textArgument, type Tool } from './tool.ts'

type Token =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'name' | 'symbol'; readonly text: string }

const constants: Readonly<Record<string, number>> = { pi: Math.PI, π: Math.PI, e: Math.E }

const functions: Readonly<Record<string, (...values: number[]) => number>> = {
  sqrt: Math.sqrt,
  cbrt: Math.cbrt,
  abs: Math.abs,
  round: Math.round,
  floor: Math.floor,
  ceil: Math.ceil,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  exp: Math.exp,
  ln: Math.log,
  log: Math.log10,
  log10: Math.log10,
  log2: Math.log2,
  min: Math.min,
  max: Math.max,
  pow: Math.pow,
}

const symbolAliases: Readonly<Record<string, string>> = {
  '**': '^',
  '×': '*',
  '·': '*',
  '÷': '/',
  '−': '-',
  '–': '-',
  '√': 'sqrt',
}

const maxLength = 400
// A comma between digits groups thousands only where exactly three digits follow it.
const tokenPattern =
  /\s*(?:((?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:e[+-]?\d+)?|\.\d+)|([a-zπ]+\d*)|(\*\*|[-+*/^%(),×·÷−–√]))/iuy

const tokenize = (expression: string): Token[] => {
  const tokens: Token[] = []
  tokenPattern.lastIndex = 0
  let depthOfCall = 0
  const text = expression.trim().replace(/[=?]+$/, '')
  while (tokenPattern.lastIndex < text.trimEnd().length) {
    const at = tokenPattern.lastIndex
    const match = tokenPattern.exec(text)
    if (!match) throw new Error(`"${text.slice(at).trim().slice(0, 12)}" is not arithmetic.`)
    const [, number, name, symbol] = match
    if (number !== undefined) {
      const grouped = number.includes(',')
      // Inside max(1,200) the comma separates arguments.
      if (grouped && depthOfCall > 0) {
        number.split(',').forEach((part, index) => {
          if (index > 0) tokens.push({ kind: 'symbol', text: ',' })
          tokens.push({ kind: 'number', value: Number(part) })
        })
      } else tokens.push({ kind: 'number', value: Number(number.replaceAll(',', '')) })
    } else if (name !== undefined) {
      tokens.push({ kind: 'name', text: name.toLowerCase() })
    } else if (symbol !== undefined) {
      const previous = tokens.at(-1)
      if (symbol === '(' && (depthOfCall > 0 || previous?.kind === 'name')) depthOfCall++
      if (symbol === ')' && depthOfCall > 0) depthOfCall--
      const alias = symbolAliases[symbol] ?? symbol
      tokens.push({ kind: alias === 'sqrt' ? 'name' : 'symbol', text: alias })
    }
  }
  return tokens
}

/** Recursive descent: sum, product, sign, power, percent, primary; `^` binds to the right. */
class Parser {
  readonly #tokens: readonly Token[]
  #position = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  parse(): number {
    const value = this.#sum()
    const rest = this.#tokens[this.#position]
    if (rest) throw new Error(`Unexpected "${describe(rest)}".`)
    return value
  }

  #peek(): string | null {
    const token = this.#tokens[this.#position]
    return token && token.kind !== 'number' ? token.text : null
  }

  #take(...texts: string[]): string | null {
    const text = this.#peek()
    if (text === null || !texts.includes(text)) return null
    this.#position++
    return text
  }

  #sum(): number {
    let value = this.#product()
    for (let sign = this.#take('+', '-'); sign; sign = this.#take('+', '-')) {
      const right = this.#product()
      value = sign === '+' ? value + right : value - right
    }
    return value
  }

  #product(): number {
    let value = this.#signed()
    for (;;) {
      const operator = this.#take('*', '/', '%', 'x', 'of', 'mod')
      if (!operator) return value
      const right = this.#signed()
      if (operator === '*' || operator === 'x' || operator === 'of') value *= right
      else if (right === 0) throw new Error('Division by zero.')
      else value = operator === '/' ? value / right : value % right
    }
  }

  #signed(): number {
    if (this.#take('-')) return -this.#signed()
    if (this.#take('+')) return this.#signed()
    return this.#power()
  }

  #power(): number {
    const base = this.#percent()
    return this.#take('^') ? base ** this.#signed() : base
  }

  /** `15%` is 0.15, but `17 % 5` is a remainder: what follows decides. */
  #percent(): number {
    const value = this.#primary()
    if (this.#peek() !== '%') return value
    const next = this.#tokens[this.#position + 1]
    const isOperand =
      next !== undefined &&
      (next.kind === 'number' ||
        next.text === '(' ||
        (next.kind === 'name' && !['of', 'x', 'mod'].includes(next.text)))
    if (isOperand) return value
    this.#position++
    return value / 100
  }

  #primary(): number {
    const token = this.#tokens[this.#position++]
    if (!token) throw new Error('The expression ends too early.')
    if (token.kind === 'number') return token.value
    if (token.text === '(') {
      const value = this.#sum()
      if (!this.#take(')')) throw new Error('A closing parenthesis is missing.')
      return value
    }
    if (token.kind === 'name') return this.#named(token.text)
    throw new Error(`Unexpected "${token.text}".`)
  }

  #named(name: string): number {
    const constant = Object.hasOwn(constants, name) ? constants[name] : undefined
    if (constant !== undefined) return constant
    const apply = Object.hasOwn(functions, name) ? functions[name] : undefined
    if (!apply) throw new Error(`"${name}" is not a function or constant that is known here.`)
    if (!this.#take('(')) return apply(this.#signed())
    const values = [this.#sum()]
    while (this.#take(',')) values.push(this.#sum())
    if (!this.#take(')')) throw new Error('A closing parenthesis is missing.')
    return apply(...values)
  }
}

const describe = (token: Token): string =>
  token.kind === 'number' ? String(token.value) : token.text

/**
 * Evaluates arithmetic: + - * / ^ % ( ), percentages and common functions. Nothing is executed.
 *
 * @throws Error that says where the expression goes wrong, or that the result is not a number.
 */
export const evaluate = (expression: string): number => {
  if (expression.length > maxLength) {
    throw new Error(`The expression is longer than ${maxLength} characters.`)
  }
  const tokens = tokenize(expression)
  if (tokens.length === 0) throw new Error('The expression is empty.')
  const value = new Parser(tokens).parse()
  if (!Number.isFinite(value)) throw new Error('The result is not a finite number.')
  return value
}

export const calculator: Tool = {
  name: 'calculator',
  description: 'Evaluates an arithmetic expression, such as 3 * (4 + 5).',
  parameters: {
    type: 'object',
    properties: { expression: { type: 'string', description: 'For example 3 * (4 + 5)' } },
    required: ['expression'],
  },
  run: (args) => ({ result: roundForDisplay(evaluate(textArgument(args, 'expression'))) }),
}
