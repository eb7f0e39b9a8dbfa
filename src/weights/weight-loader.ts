import { EngineError } from '../errors.ts'
import { CommandRecorder } from '../gpu/command-recorder.ts'
import type { GpuContext } from '../gpu/device.ts'
import type { PipelineCache } from '../gpu/pipeline-cache.ts'
import { createTensor, uploadTensor, type Tensor } from '../gpu/tensor.ts'
import { bindQuantize, quantizeGrid, type SourceDtype } from '../kernels/quantize.ts'
import type { WeightMatrix, WeightShard } from '../kernels/weight-format.ts'
import {
  planMatrix,
  type FormatOptions,
  type FormatRun,
  type MatrixPlan,
  type PlannedGroup,
} from './matrix-plan.ts'
import { readPackedPieces, type PackedPiece } from './packed-rows.ts'
import { planeSizes } from './quantization.ts'
import type { TensorIndex, TensorInfo } from './safetensors.ts'
import { readTensor, readTensorPieces, toFloat32 } from './tensor-reader.ts'

/** What a loader takes of the GPU while it loads. */
export const stagingBytes = 8 * 1024 * 1024
/** Rows of a shard are a multiple of this, so that pairs of gate and up rows stay together. */
const shardRows = 16

export type WeightLoaderOptions = FormatOptions & {
  readonly index: TensorIndex
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
  /** Groups of such matrices, the rows of one group after those of the other. */
  interleavedGroups(names: readonly (readonly string[])[]): Promise<WeightMatrix>
  /** Vectors one after the other, f32, with `offset` (0 unless given) added to every number. */
  vector(names: readonly string[], offset?: number): Promise<Tensor>
  /** Vectors of the same length, f32, number j of each in turn. */
  interleavedVector(names: readonly string[]): Promise<Tensor>
}

type Gpu = { readonly context: GpuContext; readonly pipelines: PipelineCache }

export const sourceDtype = ({ name, dtype }: TensorInfo): SourceDtype => {
  if (dtype === 'F32' || dtype === 'F16' || dtype === 'BF16') return dtype
  throw new EngineError(
    'unsupported-format',
    `Tensor ${name} is stored as ${dtype}. Quire reads F32, F16 and BF16 safetensors: choose a ` +
      'revision of the model in one of these.',
    { details: { tensor: name, dtype } },
  )
}

const allocateRun = (
  device: GPUDevice,
  { format, firstRow, numRows }: FormatRun,
  columns: number,
  label: string,
): WeightShard[] => {
  const rowBytes = planeSizes(format, shardRows, columns).values * 4
  const { maxStorageBufferBindingSize, maxBufferSize } = device.limits
  const limit = Math.min(maxStorageBufferBindingSize, maxBufferSize)
  // Rows that don't fit at all are for `createTensor` to refuse.
  const rowsAtMost = Math.max(1, Math.floor(limit / rowBytes)) * shardRows
  const shards: WeightShard[] = []
  for (let row = 0; row < numRows; row += rowsAtMost) {
    const count = Math.min(rowsAtMost, numRows - row)
    const sizes = planeSizes(format, count, columns)
    shards.push({
      firstRow: firstRow + row,
      numRows: count,
      format,
      weight: createTensor(device, label, sizes.values * 4),
      scales: createTensor(device, `${label} scales`, sizes.scales * 4),
    })
  }
  return shards
}

export const allocateMatrix = (
  device: GPUDevice,
  plan: MatrixPlan,
  label: string,
): WeightMatrix => ({
  rows: plan.rows,
  columns: plan.columns,
  shards: plan.runs.flatMap((run) => allocateRun(device, run, plan.columns, label)),
})

/** Rows of a piece that stand as they are, to the shards they belong to. */
const writePlanes = (device: GPUDevice, matrix: WeightMatrix, piece: PackedPiece): void => {
  const end = piece.firstRow + piece.numRows
  for (const { firstRow, numRows, format, weight, scales } of matrix.shards) {
    const from = Math.max(piece.firstRow, firstRow)
    const to = Math.min(end, firstRow + numRows)
    if (from >= to) continue
    const row = planeSizes(format, 1, matrix.columns)
    const write = (tensor: Tensor, plane: Uint32Array, words: number) => {
      const start = (from - piece.firstRow) * words
      const part = plane.subarray(start, start + (to - from) * words) as Uint32Array<ArrayBuffer>
      device.queue.writeBuffer(tensor.buffer, (from - firstRow) * words * 4, part)
    }
    write(weight, piece.planes.values, row.values)
    write(scales, piece.planes.scales, row.scales)
  }
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

  /** A share of a tensor, as the file holds it. */
  const report = (info: TensorInfo, share: number) => {
    loadedBytes += (info.storedBytes ?? info.byteLength) * share
    onProgress?.(Math.round(loadedBytes))
  }

  /** Source rows [0, numRows) of the staging buffer to wherever they belong. */
  const store = async (
    matrix: WeightMatrix,
    { format }: PlannedGroup & { readonly isPacked: false },
    piece: { dtype: SourceDtype; numRows: number; first: number; stride: number },
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
      const kernel = await bindQuantize(pipelines, piece.dtype, format, tensors)
      const recorder = new CommandRecorder(device)
      recorder.dispatch(kernel, quantizeGrid(to - from, matrix.columns))
      recorder.submit()
    }
  }

  const loadConverted = async (
    matrix: WeightMatrix,
    group: PlannedGroup & { readonly isPacked: false },
  ) => {
    const stride = group.infos.length
    for (const [at, info] of group.infos.entries()) {
      const dtype = sourceDtype(info)
      const rowBytes = matrix.columns * (dtype === 'F32' ? 4 : 2)
      staging ??= createTensor(device, 'staging', Math.max(stagingBytes, rowBytes))
      const pieces = readTensorPieces(info, { maxPieceBytes: stagingBytes, rowBytes })
      for await (const { byteOffset, bytes } of pieces) {
        signal?.throwIfAborted()
        const first = group.firstRow + at + (byteOffset / rowBytes) * stride
        device.queue.writeBuffer(staging.buffer, 0, padded(bytes))
        const numRows = bytes.byteLength / rowBytes
        await store(matrix, group, { dtype, numRows, first, stride })
        report(info, bytes.byteLength / info.byteLength)
        // Dawn keeps a copy of what is written until the GPU has taken it.
        await device.queue.onSubmittedWorkDone()
      }
    }
  }

  const loadPacked = async (matrix: WeightMatrix, group: PlannedGroup) => {
    for await (const piece of readPackedPieces(group, matrix.columns, stagingBytes)) {
      signal?.throwIfAborted()
      writePlanes(device, matrix, piece)
      for (const info of group.infos) report(info, piece.numRows / group.numRows)
      await device.queue.onSubmittedWorkDone()
    }
  }

  const load = async (names: readonly (readonly string[])[]): Promise<WeightMatrix> => {
    const groups = names.map((group) => group.map((name) => index.get(name)))
    const plan = planMatrix(groups, options)
    const matrix = allocateMatrix(device, plan, names[0]![0]!)
    for (const group of plan.groups) {
      await (group.isPacked ? loadPacked(matrix, group) : loadConverted(matrix, group))
    }
    return matrix
  }

  const loadVector = async (
    names: readonly string[],
    { offset = 0, isInterleaved = false },
  ): Promise<Tensor> => {
    const parts: Float32Array[] = []
    for (const name of names) {
      const info = index.get(name)
      parts.push(toFloat32(await readTensor(info), info.dtype))
      report(info, 1)
    }
    const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
    const stride = isInterleaved ? parts.length : 1
    let done = 0
    for (const [at, part] of parts.entries()) {
      const first = isInterleaved ? at : done
      for (const [i, value] of part.entries()) whole[first + i * stride] = value + offset
      done += part.length
    }
    return uploadTensor(device, names[0]!, whole)
  }

  return {
    concatenated: (names) => inTurn(() => load(names.map((name) => [name]))),
    interleaved: (names) => inTurn(() => load([names])),
    interleavedGroups: (names) => inTurn(() => load(names)),
    vector: (names, offset) => inTurn(() => loadVector(names, { offset })),
    interleavedVector: (names) => inTurn(() => loadVector(names, { isInterleaved: true })),
  }
}

/** writeBuffer takes whole words. */
const padded = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => {
  if (bytes.byteLength % 4 === 0) return bytes as Uint8Array<ArrayBuffer>
  const whole = new Uint8Array(Math.ceil(bytes.byteLength / 4) * 4)
  whole.set(bytes)
  return whole
}
