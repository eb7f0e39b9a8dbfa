import { EngineError } from '../errors.ts'

export type JsonObject = Readonly<Record<string, unknown>>

const remedy =
  "Fetch the model's files again, or choose a model with a Hugging Face tokenizer.json."

/** `where` is the place in the file, such as `model.merges[3]`. */
export const refuseFile = (where: string, problem: string, cause?: unknown): EngineError =>
  new EngineError(
    'invalid-file',
    `tokenizer.json: "${where}" ${problem}. ${remedy}`,
    cause === undefined ? {} : { cause },
  )

/** For parts that are well-formed but that this version has no code for. */
export const refusePart = (where: string, problem: string): EngineError =>
  new EngineError(
    'unsupported-model',
    `tokenizer.json: "${where}" ${problem}. Choose a model with another tokenizer.`,
  )

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value)

export const readObject = (value: unknown, where: string): JsonObject => {
  if (!isObject(value)) throw refuseFile(where, 'is not an object')
  return value
}

export const readList = (value: unknown, where: string): readonly unknown[] => {
  if (!isList(value)) throw refuseFile(where, 'is not a list')
  return value
}

/** A missing or null field takes the fallback, where there is one. */
export const readText = (value: unknown, where: string, fallback?: string): string => {
  if (fallback !== undefined && (value === undefined || value === null)) return fallback
  if (typeof value !== 'string') throw refuseFile(where, 'is not a string')
  return value
}

export const readFlag = (value: unknown, where: string, fallback: boolean): boolean => {
  if (value === undefined || value === null) return fallback
  if (typeof value !== 'boolean') throw refuseFile(where, 'is neither true nor false')
  return value
}

/** Token ids end here, so that a damaged id can't ask for a table of gigabytes. */
const maxTokenId = 2 ** 24 - 1

/** A whole number from 0 to `max`. */
export const readCount = (value: unknown, where: string, max = maxTokenId): number => {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max) {
    throw refuseFile(where, `is not a whole number from 0 to ${max}`)
  }
  return value
}

/** Parts that contain parts, such as sequences, may nest this deep. */
const maxDepth = 8

/** The parts of a sequence, each built by `build` one level deeper. */
export const readSequence = <Part>(
  value: unknown,
  { where, depth }: { readonly where: string; readonly depth: number },
  build: (config: unknown, where: string, depth: number) => Part,
): Part[] => {
  if (depth >= maxDepth) throw refuseFile(where, `is nested more than ${maxDepth} deep`)
  return readList(value, where).map((part, index) => build(part, `${where}[${index}]`, depth + 1))
}
