/** A function that the model may call. `run` gets arguments that a model wrote: expect anything. */
export type Tool = {
  readonly name: string
  readonly description: string
  /** JSON Schema of the arguments. */
  readonly parameters: Readonly<Record<string, unknown>>
  /**
   * @returns what goes back to the model, as JSON.
   * @throws Error whose message tells the model and the reader what was wrong.
   */
  run(args: Readonly<Record<string, unknown>>, signal: AbortSignal): unknown
}

/** One required text argument, trimmed. */
export const textArgument = (args: Readonly<Record<string, unknown>>, name: string): string => {
  const value = args[name]
  if (typeof value === 'string' && value.trim() !== '') return value.trim()
  if (typeof value === 'number') return String(value)
  throw new Error(`The argument "${name}" is missing; it must be a text.`)
}

/** One required number; models often write numbers as text. */
export const numberArgument = (args: Readonly<Record<string, unknown>>, name: string): number => {
  const value = args[name]
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof number === 'number' && Number.isFinite(number)) return number
  throw new Error(`The argument "${name}" must be a number.`)
}

/** Rounded to what a reader wants to see: floating-point noise gone, at most 10 digits. */
export const roundForDisplay = (value: number): number => Number(value.toPrecision(10))

/** Lower case, no accents, words joined by one space: how names are compared. */
export const normalizeName = (name: string): string =>
  name
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[_\s]+/g, ' ')
    .trim()
