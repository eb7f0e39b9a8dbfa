import { EngineError } from '../../errors.ts'
import type { ByteSource } from '../../storage/byte-source.ts'
import { HeaderReader, invalidGguf } from './header-reader.ts'
import { type GgufMetadata, readCount, readMetadata, readName } from './metadata.ts'
import { type GgufType, ggufTypeOf } from './tensor-types.ts'

export type GgufTensor = {
  /** As the file has it, such as `blk.0.attn_q.weight`. */
  readonly name: string
  readonly type: GgufType
  /** Rows first; the elements of the last dimension are neighbours. */
  readonly shape: readonly number[]
  readonly file: ByteSource
  /** Where the tensor starts, in bytes from the start of the file. */
  readonly offset: number
  readonly byteLength: number
}

export type GgufFile = { readonly metadata: GgufMetadata; readonly tensors: GgufTensor[] }

/** "GGUF" as a little-endian word. */
const magic = 0x46554747
const maxDimensions = 4
const defaultAlignment = 32
/** A name's length, the dimensions' count, the type and the offset: what every tensor has. */
const minTensorBytes = 8 + 4 + 4 + 8

/**
 * Reads and checks the head of one GGUF file, version 2 or 3
 * (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). Tensors come in file order.
 *
 * @throws EngineError `invalid-file` naming what is wrong, `unsupported-format` for other versions,
 * big-endian files and tensor types that Quire does not read.
 */
export const readGgufFile = async (file: ByteSource): Promise<GgufFile> => {
  const reader = new HeaderReader(file)
  await reader.need(24, 'the header')
  if (reader.uint32() !== magic) throw invalidGguf(file.name, 'it does not start with "GGUF"')
  checkVersion(file.name, reader.uint32())
  const tensorCount = await readCount(reader, minTensorBytes, 'the number of tensors')
  const entryCount = await readCount(reader, 8 + 4 + 1, 'the number of metadata entries')
  const metadata = await readMetadata(reader, entryCount)
  const entries: TensorEntry[] = []
  for (let i = 0; i < tensorCount; i++) entries.push(await readTensorEntry(reader, i))
  const alignment = readAlignment(file.name, metadata)
  const dataStart = Math.ceil(reader.position / alignment) * alignment
  const tensors = entries
    .map((entry) => placeTensor({ file, entry, alignment, dataStart }))
    .toSorted((a, b) => a.offset - b.offset || a.byteLength - b.byteLength)
  checkLayout(file.name, tensors)
  return { metadata, tensors }
}

const checkVersion = (file: string, version: number): void => {
  if (version === 2 || version === 3) return
  const problem =
    version !== 0 && (version & 0xffff) === 0
      ? 'is a big-endian GGUF file, which Quire does not read'
      : `has the GGUF version ${version}, and Quire reads 2 and 3`
  throw new EngineError(
    'unsupported-format',
    `${file} ${problem}. Choose a file written by a current llama.cpp.`,
    { details: { file, version } },
  )
}

const readAlignment = (file: string, metadata: GgufMetadata): number => {
  const value = metadata.get('general.alignment') ?? defaultAlignment
  if (
    typeof value === 'number' &&
    value >= 1 &&
    value <= 2 ** 30 &&
    Number.isInteger(Math.log2(value))
  ) {
    return value
  }
  throw invalidGguf(file, `its general.alignment is ${String(value)}, expected a power of two`)
}

type TensorEntry = Pick<GgufTensor, 'name' | 'type' | 'shape'> & {
  /** In bytes from the start of the data. */
  readonly offset: bigint
}

const readTensorEntry = async (reader: HeaderReader, index: number): Promise<TensorEntry> => {
  const file = reader.file.name
  const name = await readName(reader, `the name of tensor ${index}`)
  const what = `the description of tensor ${name}`
  await reader.need(4, what)
  const dimensions = reader.uint32()
  if (dimensions > maxDimensions) {
    throw invalidGguf(file, `tensor ${name} has ${dimensions} dimensions`)
  }
  await reader.need(dimensions * 8 + 12, what)
  // A file lists the dimension of neighbours first.
  const shape = Array.from({ length: dimensions }, () => Number(reader.uint64())).toReversed()
  const type = ggufTypeOf(reader.uint32(), name, file)
  return { name, type, shape, offset: reader.uint64() }
}

type Placing = {
  readonly file: ByteSource
  readonly entry: TensorEntry
  readonly alignment: number
  readonly dataStart: number
}

const placeTensor = ({ file, entry, alignment, dataStart }: Placing): GgufTensor => {
  const { name, type, shape } = entry
  const wrong = (problem: string) => invalidGguf(file.name, `tensor ${name} ${problem}`)
  const elements = shape.reduce((product, size) => product * size, 1)
  const columns = shape.at(-1) ?? 1
  if (!Number.isSafeInteger(elements)) throw wrong(`has the shape [${shape.join(', ')}]`)
  if (columns % type.blockElements !== 0) {
    throw wrong(
      `has rows of ${columns} elements, which ${type.name} can't hold: it takes multiples of ` +
        `${type.blockElements}`,
    )
  }
  const relative = Number(entry.offset)
  if (relative % alignment !== 0) throw wrong(`starts at ${relative}, off its ${alignment} bytes`)
  const offset = dataStart + relative
  const byteLength = (elements / type.blockElements) * type.blockBytes
  if (!(offset + byteLength <= file.size)) {
    throw wrong(
      `ends at byte ${offset + byteLength}, but the file has ${file.size}: it is cut short`,
    )
  }
  return { name, type, shape, file, offset, byteLength }
}

const checkLayout = (file: string, tensors: readonly GgufTensor[]): void => {
  const names = new Set<string>()
  let previous: GgufTensor | undefined
  for (const tensor of tensors) {
    if (names.has(tensor.name)) throw invalidGguf(file, `it has the tensor ${tensor.name} twice`)
    names.add(tensor.name)
    if (previous && tensor.offset < previous.offset + previous.byteLength) {
      throw invalidGguf(file, `the tensors ${previous.name} and ${tensor.name} overlap`)
    }
    previous = tensor
  }
}
