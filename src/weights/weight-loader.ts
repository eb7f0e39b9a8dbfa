import { EngineError } from '../errors.ts'
import { CommandRecorder } from '../gpu/command-recorder.ts'
import type { GpuContext } from '../gpu/device.ts'
import type { PipelineCache } from '../gpu/pipeline-cache.ts'
import { createTensor, uploadTensor, type Tensor } from '../gpu/tensor.ts'
import { bindQuantize, quantizeGrid, type SourceDtype } from '../kernels/quantize.ts'
import type { WeightFormat, WeightMatrix } from '../kernels/weight-format.ts'
import { planeSizes, quantizationBlock } from './quantization.ts'
import type { TensorIndex, TensorInfo } from './safetensors.ts'
import { readTensor, readTensorPieces, toFloat32 } from './tensor-reader.ts'

const stagingBytes = 8 * 1024 * 1024
/** Rows of a shard are a multiple of this, so that pairs of gate and up rows stay together. */
const shardRows = 16

export type WeightLoaderOptions = {
  readonly index: TensorIndex
  readonly quantization: 'none' | 'q8' | 'q4'
  /** For weights that are not quantised: `auto` keeps f32 files f32 and all else f16. */
  readonly dtype: 'auto' | 'f32' | 'f16'
  readonly signal?: AbortSignal
  /** Bytes of the files taken in so far. */
  readonly onProgress?: (loadedBytes: number) => void
}

/** Brings named tensors of a model's files to the GPU, each name once. */
export type WeightLoader = {
  /** Matrices with the same number of columns, rows one after the other. */
  concatenated(names: readonly string[]): Promise<WeightMatrix>
  /** Matrices of the same shape, row j of each in turn. */
  interleaved(names: readonly string[]): Promise<WeightMatrix>
  /** Vectors one after the other, f32, with `offset` (0 unless given) added to every number. */
  vector(names: readonly string[], offset?: number): Promise<Tensor>
}

type Gpu = { readonly context: GpuContext; readonly pipelines: PipelineCache }

const sourceDtype = ({ name, dtype }: TensorInfo): SourceDtype => {
  if (dtype === 'F32' || dtype === 'F16' || dtype === 'BF16') return dtype
  throw new EngineError(
    'unsupported-format',
    `Tensor ${name} is stored as ${dtype}. Quire reads F32, F16 and BF16 safetensors: choose a ` +
      'revision of the model in one of these.',
    { details: { tensor: name, dtype } },
  )
}

const matrixShape = ({ name, shape }: TensorInfo): readonly [number, number] => {
  const [rows, columns] = shape
  if (shape.length === 2 && rows! > 0 && columns! > 0) return [rows!, columns!]
  throw new EngineError(
    'invalid-file',
    `Tensor ${name} has the shape [${shape.join(', ')}], expected a matrix. Check that config.json ` +
      'belongs to these weights.',
    { details: { tensor: name } },
  )
}

/** The head decides between near-equal tokens: it keeps eight bits where all else has four. */
const isVocabularyMatrix = (name: string): boolean => /(embed_tokens|lm_head)\.weight$/.test(name)

const chooseFormat = (
  infos: readonly TensorInfo[],
  columns: number,
  { quantization, dtype }: WeightLoaderOptions,
): WeightFormat => {
  const isBlocked = columns % quantizationBlock === 0
  if (quantization !== 'none' && isBlocked) {
    return quantization === 'q4' && isVocabularyMatrix(infos[0]!.name) ? 'q8' : quantization
  }
  // f16 packs two columns in a word, and the kernels read four at a time.
  if (dtype === 'f32' || columns % 4 !== 0) return 'f32'
  if (dtype === 'f16') return 'f16'
  return infos.some((info) => info.dtype === 'F32') ? 'f32' : 'f16'
}

/** Uploads pieces through one staging buffer; JavaScript holds one piece at a time. */
export const createWeightLoader = (gpu: Gpu, options: WeightLoaderOptions): WeightLoader => {
  const { context, pipelines } = gpu
  const { device } = context
  const { index, signal, onProgress } = options
  let staging: Tensor | null = null
  let loadedBytes = 0
  // Loads wait for each other: all of them share the staging buffer.
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = last.then(work)
    last = result.catch(() => {})
    return result
  }
  const params = createTensor(device, 'quantize parameters', 32)

  const report = (bytes: number) => {
    loadedBytes += bytes
    onProgress?.(loadedBytes)
  }

  const allocate = (format: WeightFormat, rows: number, columns: number, label: string) => {
    const rowBytes = planeSizes(format, shardRows, columns).values * 4
    const { maxStorageBufferBindingSize, maxBufferSize } = device.limits
    const limit = Math.min(maxStorageBufferBindingSize, maxBufferSize)
    const rowsAtMost = Math.floor(limit / rowBytes) * shardRows
    const shards: WeightMatrix['shards'][number][] = []
    for (let firstRow = 0; firstRow < rows; firstRow += rowsAtMost) {
      const numRows = Math.min(rowsAtMost, rows - firstRow)
      const sizes = planeSizes(format, numRows, columns)
      shards.push({
        firstRow,
        numRows,
        weight: createTensor(device, label, sizes.values * 4),
        scales: createTensor(device, `${label} scales`, sizes.scales * 4),
      })
    }
    return { format, rows, columns, shards } satisfies WeightMatrix
  }

  /** Source rows [row, row + numRows) of the staging buffer to wherever they belong. */
  const store = async (
    matrix: WeightMatrix,
    dtype: SourceDtype,
    piece: { numRows: number; first: number; stride: number },
  ) => {
    for (const { firstRow, numRows, weight, scales } of matrix.shards) {
      // Rows of the piece that lie in this shard are neighbours, since the stride is constant.
      const rowAt = (dest: number) => Math.max(0, Math.ceil((dest - piece.first) / piece.stride))
      const from = rowAt(firstRow)
      const to = Math.min(piece.numRows, rowAt(firstRow + numRows))
      if (from >= to) continue
      const destFirst = piece.first + from * piece.stride - firstRow
      const words = [to - from, matrix.columns, destFirst, piece.stride, from]
      device.queue.writeBuffer(params.buffer, 0, new Uint32Array(words))
      const tensors = { params, source: staging!, weight, scales }
      const kernel = await bindQuantize(pipelines, dtype, matrix.format, tensors)
      const recorder = new CommandRecorder(device)
      recorder.dispatch(kernel, quantizeGrid(to - from, matrix.columns))
      recorder.submit()
    }
  }

  const load = async (names: readonly string[], isInterleaved: boolean): Promise<WeightMatrix> => {
    const infos = names.map((name) => index.get(name))
    const shapes = infos.map(matrixShape)
    const columns = shapes[0]![1]
    const format = chooseFormat(infos, columns, options)
    const rows = shapes.reduce((sum, [count]) => sum + count, 0)
    const matrix = allocate(format, rows, columns, names[0]!)
    let first = 0
    for (const [at, info] of infos.entries()) {
      const dtype = sourceDtype(info)
      const rowBytes = columns * (dtype === 'F32' ? 4 : 2)
      const stride = isInterleaved ? infos.length : 1
      staging ??= createTensor(device, 'staging', Math.max(stagingBytes, rowBytes))
      const pieces = readTensorPieces(info, { maxPieceBytes: stagingBytes, rowBytes })
      for await (const { byteOffset, bytes } of pieces) {
        signal?.throwIfAborted()
        const row = byteOffset / rowBytes
        device.queue.writeBuffer(staging.buffer, 0, padded(bytes))
        await store(matrix, dtype, {
          numRows: bytes.byteLength / rowBytes,
          first: isInterleaved ? at + row * stride : first + row,
          stride,
        })
        report(bytes.byteLength)
        // Dawn keeps a copy of what is written until the GPU has taken it.
        await device.queue.onSubmittedWorkDone()
      }
      first += shapes[at]![0]
    }
    return matrix
  }

  const loadVector = async (names: readonly string[], offset: number): Promise<Tensor> => {
    const parts: Float32Array[] = []
    for (const name of names) {
      const info = index.get(name)
      parts.push(toFloat32(await readTensor(info), info.dtype))
      report(info.byteLength)
    }
    const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
    let at = 0
    for (const part of parts) {
      whole.set(part, at)
      at += part.length
    }
    if (offset !== 0) for (let i = 0; i < whole.length; i++) whole[i]! += offset
    return uploadTensor(device, names[0]!, whole)
  }

  return {
    concatenated: (names) => inTurn(() => load(names, false)),
    interleaved: (names) => inTurn(() => load(names, true)),
    vector: (names, offset = 0) => inTurn(() => loadVector(names, offset)),
  }
}

/** writeBuffer takes whole words. */
const padded = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => {
  if (bytes.byteLength % 4 === 0) return bytes as Uint8Array<ArrayBuffer>
  const whole = new Uint8Array(Math.ceil(bytes.byteLength / 4) * 4)
  whole.set(bytes)
  return whole
}
