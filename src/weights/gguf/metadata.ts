import { EngineError } from '../../errors.ts'
import { type HeaderReader, invalidGguf } from './header-reader.ts'

/**
 * A value of GGUF's metadata. 64-bit integers are numbers where these hold them exactly, and numeric
 * arrays are typed arrays, so that they take no more room than they do in the file.
 */
export type GgufValue = number | bigint | boolean | string | GgufArray
export type GgufArray =
  | readonly string[]
  | readonly boolean[]
  | readonly GgufArray[]
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigUint64Array
  | BigInt64Array

export type GgufMetadata = ReadonlyMap<string, GgufValue>

const maxNesting = 4
const booleanType = 7
const stringType = 8
const arrayType = 9

type NumberType = {
  readonly bytes: number
  readonly read: (reader: HeaderReader) => number | bigint
  /** Elements from bytes of their own, which start at offset 0 of their buffer. */
  readonly array: (buffer: ArrayBuffer) => GgufArray
}

/** The value types that are numbers, by the id that a file names them with. */
const numberTypes = new Map<number, NumberType>([
  [0, { bytes: 1, read: (reader) => reader.uint8(), array: (b) => new Uint8Array(b) }],
  [1, { bytes: 1, read: (reader) => reader.int8(), array: (b) => new Int8Array(b) }],
  [2, { bytes: 2, read: (reader) => reader.uint16(), array: (b) => new Uint16Array(b) }],
  [3, { bytes: 2, read: (reader) => reader.int16(), array: (b) => new Int16Array(b) }],
  [4, { bytes: 4, read: (reader) => reader.uint32(), array: (b) => new Uint32Array(b) }],
  [5, { bytes: 4, read: (reader) => reader.int32(), array: (b) => new Int32Array(b) }],
  [6, { bytes: 4, read: (reader) => reader.float32(), array: (b) => new Float32Array(b) }],
  [10, { bytes: 8, read: (reader) => reader.uint64(), array: (b) => new BigUint64Array(b) }],
  [11, { bytes: 8, read: (reader) => reader.int64(), array: (b) => new BigInt64Array(b) }],
  [12, { bytes: 8, read: (reader) => reader.float64(), array: (b) => new Float64Array(b) }],
])

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lenientUtf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * A count or size of 64 bits that the file can hold, where one thing takes `minBytes` at least.
 *
 * @throws EngineError `invalid-file` naming `what`.
 */
export const readCount = async (
  reader: HeaderReader,
  minBytes: number,
  what: string,
): Promise<number> => {
  await reader.need(8, what)
  const count = reader.uint64()
  if (count * BigInt(minBytes) <= BigInt(reader.remaining)) return Number(count)
  throw invalidGguf(
    reader.file.name,
    `${what} claims ${count}, more than the ${reader.remaining} bytes left in the file can hold`,
  )
}

/** A name: what is not UTF-8 is refused, since two names could look the same. */
export const readName = async (reader: HeaderReader, what: string): Promise<string> => {
  const length = await readCount(reader, 1, `the length of ${what}`)
  await reader.need(length, what)
  try {
    return utf8.decode(reader.bytes(length))
  } catch (cause) {
    throw invalidGguf(reader.file.name, `${what} is not UTF-8`, cause)
  }
}

const readString = async (reader: HeaderReader, what: string): Promise<string> => {
  const length = await readCount(reader, 1, `the length of ${what}`)
  await reader.need(length, what)
  return lenientUtf8.decode(reader.bytes(length))
}

/** A flag is one byte, 0 or 1. */
const readBoolean = (reader: HeaderReader, what: string): boolean => {
  const byte = reader.uint8()
  if (byte <= 1) return byte === 1
  throw invalidGguf(reader.file.name, `${what} is a flag with the value ${byte}`)
}

const readStrings = async (
  reader: HeaderReader,
  count: number,
  what: string,
): Promise<readonly string[]> => {
  const strings: string[] = []
  while (strings.length < count) strings.push(await readString(reader, what))
  return strings
}

const readArray = async (reader: HeaderReader, what: string, depth: number): Promise<GgufArray> => {
  if (depth > maxNesting) {
    throw invalidGguf(reader.file.name, `${what} nests arrays more than ${maxNesting} deep`)
  }
  await reader.need(4, what)
  const type = reader.uint32()
  const number = numberTypes.get(type)
  const minBytes = number?.bytes ?? (type === booleanType ? 1 : type === stringType ? 8 : 12)
  const count = await readCount(reader, minBytes, `the number of elements of ${what}`)
  if (number) {
    await reader.need(count * number.bytes, what)
    return number.array(reader.copy(count * number.bytes))
  }
  if (type === stringType) return readStrings(reader, count, what)
  if (type === booleanType) {
    await reader.need(count, what)
    return Array.from({ length: count }, () => readBoolean(reader, what))
  }
  if (type !== arrayType) throw unknownType(reader, what, type)
  const arrays: GgufArray[] = []
  while (arrays.length < count) arrays.push(await readArray(reader, what, depth + 1))
  return arrays
}

const unknownType = (reader: HeaderReader, what: string, type: number): EngineError =>
  invalidGguf(reader.file.name, `${what} has the unknown value type ${type}`)

const readValue = async (reader: HeaderReader, what: string): Promise<GgufValue> => {
  await reader.need(4, what)
  const type = reader.uint32()
  const number = numberTypes.get(type)
  if (number) {
    await reader.need(number.bytes, what)
    const value = number.read(reader)
    return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value
  }
  if (type === stringType) return readString(reader, what)
  if (type === arrayType) return readArray(reader, what, 1)
  if (type !== booleanType) throw unknownType(reader, what, type)
  await reader.need(1, what)
  return readBoolean(reader, what)
}

/** Reads `count` entries of name, value type and value. */
export const readMetadata = async (reader: HeaderReader, count: number): Promise<GgufMetadata> => {
  const metadata = new Map<string, GgufValue>()
  for (let i = 0; i < count; i++) {
    const key = await readName(reader, `the name of metadata entry ${i}`)
    if (metadata.has(key)) {
      throw invalidGguf(reader.file.name, `its metadata has ${JSON.stringify(key)} twice`)
    }
    metadata.set(key, await readValue(reader, `the metadata ${JSON.stringify(key)}`))
  }
  return metadata
}
