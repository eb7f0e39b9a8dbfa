import { EngineError } from '../../errors.ts'
import { invalidGguf } from './header-reader.ts'
import type { GgufMetadata, GgufValue } from './metadata.ts'

/** Typed reads of one architecture's metadata, such as `llama.block_count` by `block_count`. */
export type ModelKeys = {
  readonly architecture: string
  /** Name of the file, for messages. */
  readonly file: string
  /** @throws EngineError `invalid-file` where it is missing or no number. */
  number(key: string): number
  optionalNumber(key: string): number | undefined
  optionalText(key: string): string | undefined
  optionalFlag(key: string): boolean | undefined
  /** A list of flags, one for each layer. */
  optionalFlags(key: string): readonly boolean[] | undefined
}

/**
 * Files keep numbers as f32, config.json as decimals: the shortest decimal with the same f32, so that
 * 9.999999747378752e-06 becomes 1e-05 again.
 */
export const shortestDecimal = (value: number): number => {
  if (Number.isInteger(value) || Math.fround(value) !== value) return value
  for (let digits = 1; digits <= 9; digits++) {
    const decimal = Number(value.toPrecision(digits))
    if (Math.fround(decimal) === value) return decimal
  }
  return value
}

/** A number, or a list with one for each layer where all are the same. */
const readNumber = (value: GgufValue, place: { file: string; name: string }): number => {
  const wrong = (what: string) => invalidGguf(place.file, `its ${place.name} is ${what}`)
  const listed: unknown[] | null =
    typeof value === 'object' ? Array.from<unknown>(value as ArrayLike<unknown>) : null
  if (listed && new Set(listed).size > 1) {
    throw new EngineError(
      'unsupported-model',
      `${place.file} has layers of different sizes (${place.name}), which Quire does not run. Choose ` +
        'another model.',
      { details: { file: place.file, key: place.name } },
    )
  }
  const single = listed ? listed[0] : value
  if (typeof single !== 'number' || !Number.isFinite(single) || single < 0) {
    throw wrong(`${String(single)}, expected a number from 0 on`)
  }
  return shortestDecimal(single)
}

const isFlags = (value: unknown): value is readonly boolean[] =>
  Array.isArray(value) && value.every((flag) => typeof flag === 'boolean')

export const readModelKeys = (metadata: GgufMetadata, file: string): ModelKeys => {
  const architecture = metadata.get('general.architecture')
  if (typeof architecture !== 'string') {
    throw invalidGguf(file, 'its metadata do not name an architecture ("general.architecture")')
  }
  const nameOf = (key: string) => `${architecture}.${key}`
  const optionalNumber = (key: string): number | undefined => {
    const value = metadata.get(nameOf(key))
    return value === undefined ? undefined : readNumber(value, { file, name: nameOf(key) })
  }
  return {
    architecture,
    file,
    optionalNumber,
    number: (key) => {
      const value = optionalNumber(key)
      if (value !== undefined) return value
      throw invalidGguf(file, `its metadata lack ${nameOf(key)}`)
    },
    optionalText: (key) => {
      const value = metadata.get(nameOf(key))
      return typeof value === 'string' ? value : undefined
    },
    optionalFlag: (key) => {
      const value = metadata.get(nameOf(key))
      return typeof value === 'boolean' ? value : undefined
    },
    optionalFlags: (key) => {
      const value = metadata.get(nameOf(key))
      return isFlags(value) ? value : undefined
    },
  }
}
