import { EngineError, quote } from '../errors.ts'
import type { WeightFormat } from '../kernels/weight-format.ts'
import type { ByteSource, ModelSource } from '../storage/byte-source.ts'
import type { WeightPlanes } from './quantization.ts'

/** Bytes of an element. */
const dtypeBytes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const

export type TensorDtype = keyof typeof dtypeBytes

export type TensorInfo = {
  readonly name: string
  readonly dtype: TensorDtype
  /** Rows first. Empty for a scalar. */
  readonly shape: readonly number[]
  readonly file: ByteSource
  /** Where the tensor starts, in bytes from the start of the file. */
  readonly offset: number
  readonly byteLength: number
  /** Bytes that the files hold of it, where `file` converts while it is read; else `byteLength`. */
  readonly storedBytes?: number
  /** A matrix that is quantised in its file; `dtype` and `byteLength` are what `file` makes of it. */
  readonly packed?: PackedRows
}

/** A quantised matrix as it goes to the GPU without another rounding. */
export type PackedRows = {
  readonly format: WeightFormat
  /** The planes of rows [firstRow, firstRow + numRows), as `planeSizes` has them for `format`. */
  readonly read: (firstRow: number, numRows: number) => Promise<WeightPlanes>
}

/** The tensors of a model, of all its files. */
export type TensorIndex = {
  /** @throws EngineError `invalid-file` naming the tensor and the ones most like it. */
  get(name: string): TensorInfo
  has(name: string): boolean
  names(): string[]
  /** Bytes of all tensors together, as the files hold them. */
  readonly totalBytes: number
}

/** The reference implementation's own bound; a 1,000-tensor header takes about 0.1 MB. */
const maxHeaderBytes = 100_000_000
const singleFile = 'model.safetensors'
const indexFile = 'model.safetensors.index.json'

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isSize = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0

const isSizes = (value: unknown): value is number[] => Array.isArray(value) && value.every(isSize)

const isDtype = (value: unknown): value is TensorDtype =>
  typeof value === 'string' && Object.hasOwn(dtypeBytes, value)

const invalid = (file: string, problem: string, cause?: unknown): EngineError =>
  new EngineError(
    'invalid-file',
    `${file} is not a valid safetensors file: ${problem}. ` +
      'Delete the stored model and download it again.',
    { details: { file }, cause },
  )

/** Opens `model.safetensors`, or else the shards that `model.safetensors.index.json` lists. */
export const openSafetensors = async (source: ModelSource): Promise<TensorIndex> => {
  if (!(await source.has(indexFile))) {
    return tensorIndex(await readSafetensorsHeader(await source.open(singleFile)))
  }
  const shardOf = readWeightMap(await source.readJson(indexFile))
  const shards = [...new Set(shardOf.values())].toSorted()
  const tensors: TensorInfo[] = []
  for (const shard of shards) {
    const header = await readSafetensorsHeader(await source.open(shard))
    for (const tensor of header) tensors.push(tensor)
  }
  const index = tensorIndex(tensors)
  for (const [tensor, shard] of shardOf) {
    if (!index.has(tensor) || index.get(tensor).file.name !== shard) {
      throw invalid(shard, `${indexFile} places the tensor ${tensor} in it, but it is not there`)
    }
  }
  return index
}

const readWeightMap = (index: unknown): Map<string, string> => {
  const weightMap = isRecord(index) ? index['weight_map'] : undefined
  if (!isRecord(weightMap)) throw invalid(indexFile, 'it has no "weight_map"')
  const entries = Object.entries(weightMap).map(([tensor, shard]): [string, string] => {
    if (typeof shard === 'string' && /^[\w.-]+$/.test(shard)) return [tensor, shard]
    throw invalid(indexFile, `its "weight_map" gives no file name for the tensor ${tensor}`)
  })
  return new Map(entries)
}

/**
 * Reads and checks the header of one file: 8 bytes little-endian length, that much JSON, then the
 * tensors' bytes (https://github.com/huggingface/safetensors#format). Tensors come in file order.
 *
 * @throws EngineError `invalid-file` naming what is wrong.
 */
export const readSafetensorsHeader = async (file: ByteSource): Promise<TensorInfo[]> => {
  if (file.size < 8) throw invalid(file.name, `it has ${file.size} bytes, too few for a header`)
  const lengthBytes = await file.read(0, 8)
  const view = new DataView(lengthBytes.buffer, lengthBytes.byteOffset, 8)
  const headerBytes = Number(view.getBigUint64(0, true))
  if (headerBytes > maxHeaderBytes || 8 + headerBytes > file.size) {
    throw invalid(
      file.name,
      `its header claims ${headerBytes} bytes, but the file has ${file.size} in all`,
    )
  }
  const header = parseHeader(file.name, await file.read(8, headerBytes))
  const dataStart = 8 + headerBytes
  const tensors = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, entry]) => readEntry({ file, name, entry, dataStart }))
    .toSorted((a, b) => a.offset - b.offset || a.byteLength - b.byteLength)
  checkLayout(file, tensors)
  return tensors
}

const parseHeader = (file: string, bytes: Uint8Array): Record<string, unknown> => {
  let header: unknown
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw invalid(file, 'its header is not JSON', cause)
  }
  if (!isRecord(header)) throw invalid(file, 'its header is not a JSON object')
  return header
}

type HeaderEntry = { file: ByteSource; name: string; entry: unknown; dataStart: number }

const readEntry = ({ file, name, entry, dataStart }: HeaderEntry): TensorInfo => {
  const wrong = (problem: string) => invalid(file.name, `the tensor ${name} ${problem}`)
  if (!isRecord(entry)) throw wrong('has no description')
  const { dtype, shape, data_offsets: offsets } = entry
  if (!isDtype(dtype)) throw wrong(`has the unknown dtype ${quote(dtype)}`)
  if (!isSizes(shape)) throw wrong(`has the shape ${quote(shape)}`)
  const [start, end] = isSizes(offsets) && offsets.length === 2 ? offsets : []
  if (start === undefined || end === undefined || start > end) {
    throw wrong(`has the offsets ${quote(offsets)}`)
  }
  if (dataStart + end > file.size) {
    throw wrong(`ends at byte ${dataStart + end}, but the file has ${file.size}: it is cut short`)
  }
  const expected = shape.reduce((product, size) => product * size, dtypeBytes[dtype])
  if (expected !== end - start) {
    throw wrong(
      `is ${dtype} ${quote(shape)}, ${expected} bytes, but its range holds ${end - start}`,
    )
  }
  return { name, dtype, shape, file, offset: dataStart + start, byteLength: end - start }
}

const checkLayout = (file: ByteSource, tensors: readonly TensorInfo[]): void => {
  let previous: TensorInfo | undefined
  for (const tensor of tensors) {
    if (previous && tensor.offset < previous.offset + previous.byteLength) {
      throw invalid(file.name, `the tensors ${previous.name} and ${tensor.name} overlap`)
    }
    previous = tensor
  }
}

const tensorIndex = (tensors: readonly TensorInfo[]): TensorIndex => {
  const byName = new Map<string, TensorInfo>()
  for (const tensor of tensors) {
    const twin = byName.get(tensor.name)
    if (twin) {
      throw invalid(tensor.file.name, `it repeats the tensor ${tensor.name} of ${twin.file.name}`)
    }
    byName.set(tensor.name, tensor)
  }
  return {
    get: (name) => byName.get(name) ?? refuseMissing(name, [...byName.keys()]),
    has: (name) => byName.has(name),
    names: () => [...byName.keys()],
    totalBytes: tensors.reduce((sum, tensor) => sum + (tensor.storedBytes ?? tensor.byteLength), 0),
  }
}

const refuseMissing = (name: string, names: readonly string[]): never => {
  const near = nearNames(name, names)
  throw new EngineError(
    'invalid-file',
    `The weights have no tensor ${name}. ` +
      (near.length > 0 ? `Nearest: ${near.join(', ')}. ` : 'They have no tensors at all. ') +
      'Check that config.json belongs to these weights.',
    { details: { tensor: name, near: near.join(', ') } },
  )
}

/** Names that share the most dot-separated parts with the given one, best first. */
const nearNames = (name: string, names: readonly string[]): string[] => {
  const parts = new Set(name.split('.'))
  const shared = (other: string) => other.split('.').filter((part) => parts.has(part)).length
  const distance = (other: string) => Math.abs(other.length - name.length)
  return names.toSorted((a, b) => shared(b) - shared(a) || distance(a) - distance(b)).slice(0, 4)
}
