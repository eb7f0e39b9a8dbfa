import { EngineError } from '../../errors.ts'
import { type ByteSource, checkRange } from '../../storage/byte-source.ts'
import type { PackedRows, TensorDtype, TensorIndex, TensorInfo } from '../safetensors.ts'
import { type GgufArchitecture, huggingFaceName } from './architectures.ts'
import { transposedTensor } from '../transposed-tensor.ts'
import type { GgufTensor } from './gguf-file.ts'
import { packBlocks } from './pack-blocks.ts'

type Heads = { readonly numHeads: number; readonly numKvHeads: number }

/** What turns a stored tensor into the one of the Hugging Face checkpoint. */
type Conversion = {
  /** Rows of a head whose halves are interleaved; 0 for rows that are in their places. */
  readonly headRows: number
  /** Added to every element. */
  readonly shift: number
  readonly isTransposed: boolean
}

const conversionOf = (
  tensor: GgufTensor,
  architecture: GgufArchitecture,
  { numHeads, numKvHeads }: Heads,
): Conversion => {
  const { hasInterleavedRows, hasShiftedNorms, transposed } = architecture
  const part = tensor.name.replace(/^blk\.\d+\./, '')
  const heads = hasInterleavedRows ? { 'attn_q.': numHeads, 'attn_k.': numKvHeads } : {}
  const [, count = 0] = Object.entries(heads).find(([start]) => part.startsWith(start)) ?? []
  const headRows = count === 0 ? 0 : tensor.shape[0]! / count
  const [rows = 0] = tensor.shape
  // A bias is cut between any two elements, which blocks do not allow.
  const isCut = tensor.shape.length > 1 || tensor.type.blockElements === 1
  if (headRows !== 0 && !(isCut && headRows % 2 === 0 && rows % headRows === 0)) {
    throw new EngineError(
      'invalid-file',
      `Tensor ${tensor.name} in ${tensor.file.name} (${tensor.type.name}, ${rows} rows) can not be cut ` +
        `into ${count} heads. Delete the stored model and download it again.`,
      { details: { file: tensor.file.name, tensor: tensor.name } },
    )
  }
  return {
    headRows,
    shift: hasShiftedNorms && part.endsWith('norm.weight') ? -1 : 0,
    isTransposed: transposed.includes(part),
  }
}

type Rows = { readonly first: number; readonly count: number }

/**
 * Reads the rows of a tensor in the order of the Hugging Face checkpoint, as they are stored. In a head
 * with interleaved halves, row i of half h lies at 2 i + h.
 */
const readStoredRows = async (
  tensor: GgufTensor,
  rowBytes: number,
  headRows: number,
  { first, count }: Rows,
): Promise<Uint8Array> => {
  if (headRows === 0) {
    return tensor.file.read(tensor.offset + first * rowBytes, count * rowBytes)
  }
  const start = Math.floor(first / headRows) * headRows
  const end = Math.ceil((first + count) / headRows) * headRows
  const heads = await tensor.file.read(tensor.offset + start * rowBytes, (end - start) * rowBytes)
  const rows = new Uint8Array(count * rowBytes)
  for (let i = 0; i < count; i++) {
    const row = first + i - start
    const inHead = row % headRows
    const half = inHead < headRows / 2 ? 0 : 1
    const stored = row - inHead + 2 * (inHead - (half * headRows) / 2) + half
    rows.set(heads.subarray(stored * rowBytes, (stored + 1) * rowBytes), i * rowBytes)
  }
  return rows
}

type Matrix = { readonly rows: number; readonly columns: number }

/** A vector is one row, except that one with permuted elements is a column. */
const asMatrix = ({ shape }: GgufTensor, { headRows }: Conversion): Matrix => {
  const elements = shape.reduce((product, size) => product * size, 1)
  const columns = shape.length > 1 ? shape.at(-1)! : headRows > 0 ? 1 : elements
  return { rows: columns === 0 ? 0 : elements / columns, columns }
}

const readFloatRows = async (
  tensor: GgufTensor,
  { columns }: Matrix,
  conversion: Conversion,
  rows: Rows,
): Promise<Float32Array> => {
  const { type } = tensor
  const rowBytes = (columns / type.blockElements) * type.blockBytes
  const stored = await readStoredRows(tensor, rowBytes, conversion.headRows, rows)
  const values = new Float32Array(rows.count * columns)
  type.dequantize(stored, values)
  if (conversion.shift !== 0) {
    for (let i = 0; i < values.length; i++) values[i] = values[i]! + conversion.shift
  }
  return values
}

/** The converted tensor as a file of its own, made as it is read. */
const convertedFile = (tensor: GgufTensor, conversion: Conversion, dtype: TensorDtype) => {
  const matrix = asMatrix(tensor, conversion)
  const { rows, columns } = matrix
  const elementBytes = dtype === 'F32' ? 4 : 2
  const rowBytes = columns * elementBytes
  const readRows = async (range: Rows): Promise<Uint8Array> => {
    if (dtype !== 'F32') return readStoredRows(tensor, rowBytes, conversion.headRows, range)
    const values = await readFloatRows(tensor, matrix, conversion, range)
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  }
  const file: ByteSource = {
    name: tensor.file.name,
    size: rows * columns * elementBytes,
    read: async (offset, length) => {
      checkRange(file, offset, length)
      if (length === 0) return new Uint8Array()
      const first = Math.floor(offset / rowBytes)
      const count = Math.ceil((offset + length) / rowBytes) - first
      const start = offset - first * rowBytes
      return (await readRows({ first, count })).subarray(start, start + length)
    },
  }
  return file
}

/**
 * The rows of a matrix of blocks, or of several in one tensor, in their Hugging Face order; null for what
 * must become numbers.
 */
const packedRows = (tensor: GgufTensor, { headRows, shift }: Conversion): PackedRows | null => {
  const { packing, blockElements, blockBytes } = tensor.type
  const columns = tensor.shape.at(-1)
  if (!packing || tensor.shape.length < 2 || !columns || shift !== 0) return null
  const rowBytes = (columns / blockElements) * blockBytes
  return {
    format: packing.format,
    read: async (first, count) => {
      const bytes = await readStoredRows(tensor, rowBytes, headRows, { first, count })
      return packBlocks(packing, blockBytes, bytes, [count, columns])
    },
  }
}

const tensorInfo = (name: string, tensor: GgufTensor, conversion: Conversion): TensorInfo => {
  const { type, file, offset, byteLength, shape } = tensor
  const { headRows, shift } = conversion
  const isPlain = type.name === 'F32' || type.name === 'F16' || type.name === 'BF16'
  if (isPlain && headRows === 0 && shift === 0) {
    return { name, dtype: type.name, shape, file, offset, byteLength }
  }
  const dtype = isPlain && shift === 0 ? type.name : 'F32'
  const converted = convertedFile(tensor, conversion, dtype)
  const packed = packedRows(tensor, conversion)
  return {
    name,
    dtype,
    shape,
    file: converted,
    offset: 0,
    byteLength: converted.size,
    storedBytes: byteLength,
    ...(packed && { packed }),
  }
}

/**
 * The tensors of a GGUF model under their Hugging Face names, with the rows, values and orientation that
 * a Hugging Face checkpoint has. Plain types keep theirs; quantised tensors can be read packed, and read
 * as F32 otherwise, converted as they are read: a read of n bytes takes about n bytes besides.
 */
export const ggufTensorIndex = (
  tensors: readonly GgufTensor[],
  architecture: GgufArchitecture,
  heads: Heads,
): TensorIndex => {
  const byName = new Map<string, TensorInfo>()
  for (const tensor of tensors) {
    const name = huggingFaceName(tensor.name, architecture)
    if (name === null) continue
    const conversion = conversionOf(tensor, architecture, heads)
    const info = tensorInfo(name, tensor, conversion)
    byName.set(name, conversion.isTransposed ? transposedTensor(info) : info)
  }
  const missing = (name: string): never => {
    throw new EngineError(
      'invalid-file',
      `The GGUF file has no tensor for ${name}. It may hold a variant of ${architecture.className} that ` +
        'Quire does not know: choose another file of the model.',
      { details: { tensor: name } },
    )
  }
  return {
    get: (name) => byName.get(name) ?? missing(name),
    has: (name) => byName.has(name),
    names: () => [...byName.keys()],
    totalBytes: [...byName.values()].reduce(
      (sum, { byteLength, storedBytes = byteLength }) => sum + storedBytes,
      0,
    ),
  }
}
