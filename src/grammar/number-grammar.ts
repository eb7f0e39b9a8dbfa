import { choice, literal, repeat, sequence } from './rules.ts'

/**
 * Longest run of digits. JSON has no limit, but a model that repeats itself never leaves a number, and a
 * double holds no more.
 */
const maxDigits = 20
const maxFraction = 10
/** Decimal digits that a double keeps: with more, a number may round onto a bound it must not reach. */
const exactDigits = 15

const digit = '[0-9]'
const digits = (min: number, max: number) => repeat(digit, min, max)
const digitRange = (from: number, to: number) =>
  from === to ? literal(`${from}`) : `[${from}-${to}]`

/** Digit strings from `low` to `high`, which are of equal length. */
const sameLength = (low: string, high: string): string => {
  const length = low.length
  if (length === 0) return ''
  if (/^0*$/.test(low) && /^9*$/.test(high)) return digits(length, length)
  const [first, last] = [Number(low[0]), Number(high[0])]
  const [lowRest, highRest] = [low.slice(1), high.slice(1)]
  if (first === last) return sequence([literal(`${first}`), sameLength(lowRest, highRest)])
  const middle =
    first + 1 <= last - 1 ? [[digitRange(first + 1, last - 1), digits(length - 1, length - 1)]] : []
  return choice(
    [
      [literal(`${first}`), sameLength(lowRest, '9'.repeat(length - 1))],
      ...middle,
      [literal(`${last}`), sameLength('0'.repeat(length - 1), highRest)],
    ].map((parts) => sequence(parts.filter((part) => part !== '""'))),
  )
}

/** Integers from `low` >= 0 to `high`, null for any; no options where there are none. */
const naturals = (low: bigint, high: bigint | null): string[] => {
  if (high !== null && low > high) return []
  const shortest = `${low}`.length
  const longest = high === null ? Math.max(maxDigits, shortest) : `${high}`.length
  const nines = '9'.repeat(shortest)
  if (high !== null && longest === shortest) return [sameLength(`${low}`, `${high}`)]
  const options = [sameLength(`${low}`, nines)]
  const above = high === null ? longest : longest - 1
  if (above > shortest) options.push(sequence(['[1-9]', digits(shortest, above - 1)]))
  if (high !== null) options.push(sameLength(`1${'0'.repeat(longest - 1)}`, `${high}`))
  return options
}

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b)

/** The integers of a range, both ends inclusive, null for no end; null where there is none. */
export const integerGrammar = (min: bigint | null, max: bigint | null): string | null => {
  const below = min === null || min < 0n
  const negative = below
    ? naturals(larger(1n, max === null ? 1n : -max), min === null ? null : -min)
    : []
  const positive = naturals(larger(0n, min ?? 0n), max)
  const options = [...positive, ...negative.map((body) => sequence(['"-"', body]))]
  return options.length === 0 ? null : choice(options)
}

export type Bound = { readonly value: number; readonly exclusive: boolean }

/** A bound above zero or at it, in decimal. */
type Decimal = { readonly integer: bigint; readonly fraction: string; readonly exclusive: boolean }

/** What may come behind some digits of a fraction: its end, more digits, or both. */
type Tail = { readonly mayEnd: boolean; readonly more: string | null }

const isZero = (fraction: string) => /^0*$/.test(fraction)

type Limits = { readonly low: string | null; readonly high: string | null }
type Exclusive = { readonly low: boolean; readonly high: boolean; readonly digits: number }

/** Digits of a fraction between two others; null where the digits before have settled that side. */
const fractionTail = ({ low, high }: Limits, exclusive: Exclusive, used: number): Tail => {
  const left = exclusive.digits - used
  const settledLow = low === '' && !exclusive.low ? null : low
  const mayEnd =
    (settledLow === null || (isZero(settledLow) && !exclusive.low)) &&
    (high === null || !(isZero(high) && exclusive.high))
  if (left <= 0 || high === '') return { mayEnd, more: null }
  if (settledLow === null && high === null) return { mayEnd, more: digits(1, left) }
  const first = Number(settledLow?.[0] ?? 0)
  const last = Number(high?.[0] ?? 9)
  const options: string[] = []
  const add = (from: number, to: number, limits: Limits) => {
    const { mayEnd: ends, more } = fractionTail(limits, exclusive, used + 1)
    const head = digitRange(from, to)
    if (ends && more !== null) options.push(sequence([head, `(${more})?`]))
    else if (ends) options.push(head)
    else if (more !== null) options.push(sequence([head, more]))
  }
  const lowRest = settledLow?.slice(1) ?? null
  const highRest = high?.slice(1) ?? null
  if (first === last) add(first, last, { low: lowRest, high: highRest })
  if (first < last) {
    const [from, to] = [lowRest === null ? first : first + 1, highRest === null ? last : last - 1]
    if (lowRest !== null) add(first, first, { low: lowRest, high: null })
    if (from <= to) add(from, to, { low: null, high: null })
    if (highRest !== null) add(last, last, { low: null, high: highRest })
  }
  return { mayEnd, more: options.length === 0 ? null : choice(options) }
}

const withTail = (integers: string[], { mayEnd, more }: Tail): string[] => {
  if (integers.length === 0 || (more === null && !mayEnd)) return []
  const tail = more === null ? '' : mayEnd ? `("." ${more})?` : `"." ${more}`
  return [sequence([choice(integers), tail])]
}

/** Digits behind the point, so many that no number rounds onto a bound that it must not reach. */
const fractionDigits = (bounds: readonly (Decimal | null)[]): number => {
  const integers = bounds.map((bound) => (bound?.exclusive ? `${bound.integer}`.length : 0))
  const room = Math.max(1, Math.min(maxFraction, exactDigits - Math.max(...integers)))
  return Math.max(room, ...bounds.map((bound) => bound?.fraction.length ?? 0))
}

/** Decimals from `low` >= 0 to `high`, null for any. */
const decimals = (low: Decimal, high: Decimal | null, numDigits: number | null): string[] => {
  if (high !== null && low.integer > high.integer) return []
  const exclusive = {
    low: low.exclusive,
    high: high?.exclusive ?? false,
    digits: numDigits ?? fractionDigits([low, high]),
  }
  const tail = (limits: Limits) => fractionTail(limits, exclusive, 0)
  if (low.integer === high?.integer) {
    return withTail([literal(`${low.integer}`)], tail({ low: low.fraction, high: high.fraction }))
  }
  const between = naturals(low.integer + 1n, high === null ? null : high.integer - 1n)
  return [
    ...withTail([literal(`${low.integer}`)], tail({ low: low.fraction, high: null })),
    ...withTail(between, tail({ low: null, high: null })),
    ...(high === null
      ? []
      : withTail([literal(`${high.integer}`)], tail({ low: null, high: high.fraction }))),
  ]
}

/** The digits of a number, its sign apart. */
export const decimalOf = (
  value: number,
): { readonly integer: bigint; readonly fraction: string } => {
  const options = { useGrouping: false, maximumFractionDigits: 20 }
  const [integer = '0', fraction = ''] = Math.abs(value).toLocaleString('en-US', options).split('.')
  return { integer: BigInt(integer), fraction }
}

const toDecimal = ({ value, exclusive }: Bound): Decimal => ({ ...decimalOf(value), exclusive })

const zero: Decimal = { integer: 0n, fraction: '', exclusive: false }

/** Any JSON number. */
export const anyNumber = sequence([
  '"-"?',
  `("0" | [1-9] ${digits(0, maxDigits - 1)})`,
  `("." ${digits(1, maxDigits)})?`,
  `([eE] [+\\-]? ${digits(1, 2)})?`,
])

/**
 * The numbers of a range in plain decimals, null for no end; null where there is none. At most ten
 * digits stand behind the point, unless a bound has more, or `numDigits` where that is given.
 */
export const numberGrammar = (
  min: Bound | null,
  max: Bound | null,
  numDigits: number | null = null,
): string | null => {
  const reachesBelow = min === null || min.value < 0
  const reachesAbove = max === null || max.value > 0 || (max.value === 0 && !max.exclusive)
  const positive = reachesAbove
    ? decimals(min && min.value >= 0 ? toDecimal(min) : zero, max && toDecimal(max), numDigits)
    : []
  const least = max && max.value < 0 ? toDecimal(max) : { ...zero, exclusive: true }
  const negative = reachesBelow ? decimals(least, min && toDecimal(min), numDigits) : []
  const options = [...positive, ...negative.map((body) => sequence(['"-"', body]))]
  return options.length === 0 ? null : choice(options)
}
