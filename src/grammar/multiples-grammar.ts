import { choice, literal, type Rules, sequence } from './rules.ts'

/** Multiples of a unit in the last of some digits behind the point, as 25 in two digits for 0.25. */
export type Step = { readonly unit: number; readonly digits: number }

/** In units of the last digit, both ends inclusive, null for any. */
export type Range = { readonly low: bigint | null; readonly high: bigint | null }

/** Digits that a double keeps: beyond them, what is written as a multiple may be read as none. */
const exactDigits = 15
/** Rules of a grammar of multiples. Where it takes more, the numbers are shorter, or few. */
const mostRules = 400
const fewMultiples = 50n

type AddRule = (body: string) => string
type Part = readonly [low: bigint, high: bigint]

const nines = (length: number) => 10n ** BigInt(length) - 1n

/** Follows the remainder of what is written so far: one rule for each of what may come yet. */
class MultiplesGrammar {
  readonly #step: Step
  readonly #addRule: AddRule
  /** What may come, by what it hangs on; null for nothing. */
  readonly #known = new Map<string, string | null>()
  /** By their bodies: much may come behind many remainders. */
  readonly #rules = new Map<string, string>()

  constructor(step: Step, addRule: AddRule) {
    this.#step = step
    this.#addRule = addRule
  }

  /** Those from `low` >= 0 on. */
  naturals(low: bigint, high: bigint): string[] {
    if (low > high) return []
    const width = this.#step.digits + 1
    const [first, last] = [`${low}`.padStart(width, '0'), `${high}`.padStart(width, '0')]
    if (first.length === last.length) return this.#some([this.#exact(first.length, 0, first, last)])
    const between = last.length - first.length - 2
    const lead = (digit: number) =>
      between < 0 ? null : this.#between(first.length - this.#step.digits, between, digit)
    return this.#some([
      this.#exact(first.length, 0, first, null),
      this.#choose(1, 9, (digit) => lead(digit % this.#step.unit)),
      this.#exact(last.length, 0, `1${'0'.repeat(last.length - 1)}`, last),
    ])
  }

  #some(bodies: readonly (string | null)[]): string[] {
    return bodies.filter((body) => body !== null)
  }

  get isTooLarge(): boolean {
    return this.#rules.size > mostRules
  }

  #remember(key: string, build: () => string | null): string | null {
    if (this.isTooLarge) return null
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const body = build()
    const isShort = body === null || !body.includes(' ')
    const rule = isShort ? body : (this.#rules.get(body) ?? this.#addRule(body))
    if (!isShort) this.#rules.set(body, rule ?? '')
    this.#known.set(key, rule)
    return rule
  }

  /** One of some digits and what may follow it. */
  #choose(from: number, to: number, next: (digit: number) => string | null): string | null {
    const byNext = new Map<string, number[]>()
    for (let digit = from; digit <= to; digit += 1) {
      const follows = next(digit)
      if (follows !== null) byNext.set(follows, [...(byNext.get(follows) ?? []), digit])
    }
    if (byNext.size === 0) return null
    return choice([...byNext].map(([follows, heads]) => sequence([`[${heads.join('')}]`, follows])))
  }

  /** So many digits, a bound null where the digits before have settled that side. */
  #exact(left: number, remainder: number, low: string | null, high: string | null): string | null {
    return this.#remember(`${left} ${remainder} ${low} ${high}`, () => {
      if (left === 0) return remainder === 0 ? '' : null
      const [first, last] = [Number(low?.[0] ?? 0), Number(high?.[0] ?? 9)]
      const body = this.#choose(first, last, (digit) =>
        this.#exact(
          left - 1,
          this.#after(remainder, digit),
          low !== null && digit === first ? low.slice(1) : null,
          high !== null && digit === last ? high.slice(1) : null,
        ),
      )
      return body !== null && left === this.#step.digits ? sequence(['"."', body]) : body
    })
  }

  /** So many digits in front of the point and up to `optional` more. */
  #between(required: number, optional: number, remainder: number): string | null {
    return this.#remember(`${required} ${optional} ${remainder}`, () => {
      const more = (needed: number, others: number) =>
        this.#choose(0, 9, (digit) => this.#between(needed, others, this.#after(remainder, digit)))
      if (required > 0) return more(required - 1, optional)
      const options = this.#some([
        this.#exact(this.#step.digits, remainder, null, null),
        optional > 0 ? more(0, optional - 1) : null,
      ])
      return options.length === 0
        ? null
        : choice(options.map((option) => (option === '' ? '""' : option)))
    })
  }

  #after(remainder: number, digit: number): number {
    return (remainder * 10 + digit) % this.#step.unit
  }
}

/** The multiples of a range; null where their grammar is too large. */
const optionsWithin = (step: Step, [low, high]: Part, addRule: AddRule): string[] | null => {
  const grammar = new MultiplesGrammar(step, addRule)
  const negative = low < 0n ? grammar.naturals(high < 0n ? -high : 1n, -low) : []
  const positive = grammar.naturals(low > 0n ? low : 0n, high)
  if (grammar.isTooLarge) return null
  return [...positive, ...negative.map((body) => sequence([literal('-'), body]))]
}

const fits = (step: Step, part: Part): boolean => {
  let numRules = 0
  return optionsWithin(step, part, () => `rule_${(numRules += 1)}`) !== null
}

const larger = (a: bigint, b: bigint) => (a > b ? a : b)
const smaller = (a: bigint, b: bigint) => (a < b ? a : b)

/** Ever smaller parts of a range, those around zero first. */
const partsOf = (step: Step, { low, high }: Range): Part[] => {
  const lengths = Array.from({ length: exactDigits }, (_, at) => exactDigits - at)
  const parts = lengths.map((length): Part => {
    const end = nines(length)
    return [larger(low ?? -end, -end), smaller(high ?? end, end)]
  })
  const few = BigInt(step.unit) * fewMultiples
  if (low !== null && low > 0n) parts.push([low, smaller(high ?? low + few, low + few)])
  else if (high !== null && high < 0n) parts.push([larger(low ?? high - few, high - few), high])
  return parts.filter(([from, to]) => from <= to)
}

/**
 * The multiples of a step in a range; null where there is none. All of up to 15 digits, unless that
 * takes too large a grammar: then those that are close to zero, or to the bound that is.
 */
export const multiplesGrammar = (rules: Rules, step: Step, range: Range): string | null => {
  const part = partsOf(step, range).find((some) => fits(step, some))
  const options = part && optionsWithin(step, part, (body) => rules.add('multiple', body))
  return options && options.length > 0 ? choice(options) : null
}
