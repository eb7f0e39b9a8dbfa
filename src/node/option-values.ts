import { UsageError } from './usage-error.ts'

/** Reads the value of an option. What it throws names the option. */
export type ReadValue<Value> = (text: string, option: string) => Value

const refuse = (option: string, wanted: string, text: string): UsageError =>
  new UsageError(`--${option} must be ${wanted}, got ${JSON.stringify(text)}.`)

export const text: ReadValue<string> = (given) => given

export const number: ReadValue<number> = (given, option) => {
  const value = given.trim() === '' ? NaN : Number(given)
  if (!Number.isFinite(value)) throw refuse(option, 'a number', given)
  return value
}

const multipliers: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
}

/** A whole number as vLLM takes them: `4096`, `32k` (thousands), `32K` (1024s), `1.5G`. */
export const count: ReadValue<number> = (given, option) => {
  const [, digits, letter] = /^(\d+(?:\.\d+)?)([kmgtKMGT]?)$/.exec(given) ?? []
  const value = Number(digits) * multipliers[letter ?? '']!
  if (!Number.isSafeInteger(value)) {
    throw refuse(option, 'a whole number such as 4096, 4K or 1.5G', given)
  }
  return value
}

/** One of the keys, as what stands beside it. */
export const oneOf =
  <Value>(values: Readonly<Record<string, Value>>): ReadValue<Value> =>
  (given, option) => {
    const value = Object.hasOwn(values, given) ? values[given] : undefined
    if (value !== undefined) return value
    throw refuse(option, `one of ${Object.keys(values).join(', ')}`, given)
  }

export const json: ReadValue<unknown> = (given, option) => {
  try {
    return JSON.parse(given)
  } catch {
    throw refuse(option, 'JSON', given)
  }
}

/** A JSON list, as vLLM takes it, or names with commas between them. */
export const list: ReadValue<readonly string[]> = (given, option) => {
  if (!given.startsWith('[')) return given.split(',').map((entry) => entry.trim())
  const value = json(given, option)
  if (Array.isArray(value) && value.every((entry) => typeof entry === 'string')) return value
  throw refuse(option, 'a list of strings', given)
}
