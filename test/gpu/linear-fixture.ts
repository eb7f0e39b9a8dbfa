import { CommandRecorder } from '../../src/gpu/command-recorder.ts'
import { createTensor, uploadTensor, type Tensor } from '../../src/gpu/tensor.ts'
import { isGated, type Epilogue } from '../../src/kernels/linear-spec.ts'
import type { WeightFormat, WeightMatrix } from '../../src/kernels/weight-format.ts'
import type { Gpu } from '../../src/layers/gpu.ts'
import { createLinear } from '../../src/layers/linear.ts'
import { epilogueReference, linearReference } from '../reference/linear.ts'
import { poison, randomFloats, readFloats } from './context.ts'
import { randomRows } from './format-fixture.ts'

const uploadPlane = (device: GPUDevice, words: Uint32Array): Tensor =>
  uploadTensor(device, 'plane', new Uint32Array(words))

/** A random matrix in a format, cut into shards that start at `cuts`, and its exact values. */
export const weightMatrix = (
  device: GPUDevice,
  format: WeightFormat,
  [rows, columns]: readonly [number, number],
  cuts: readonly number[] = [0],
): { matrix: WeightMatrix; values: Float32Array } => {
  const shards = cuts.map((firstRow, i) => {
    const numRows = (cuts[i + 1] ?? rows) - firstRow
    const { planes, values } = randomRows(format, numRows, columns, firstRow + rows + columns)
    const weight = uploadPlane(device, planes.values)
    const shard = { firstRow, numRows, format, weight, scales: uploadPlane(device, planes.scales) }
    return { shard, values }
  })
  const values = new Float32Array(rows * columns)
  for (const { shard, values: part } of shards) values.set(part, shard.firstRow * columns)
  return { matrix: { rows, columns, shards: shards.map(({ shard }) => shard) }, values }
}

export type LinearRun = {
  readonly format: WeightFormat
  readonly rows: number
  readonly weightRows: number
  readonly columns: number
  readonly epilogue: Epilogue
  readonly norm?: boolean
  readonly bias?: boolean
  readonly outputScale?: number
  readonly softCap?: number
  readonly cuts?: readonly number[]
  readonly rowCount?: 'tokens' | 'samples'
  readonly outputStride?: number
  /** [rows][columns]; random by default. */
  readonly x?: Float32Array<ArrayBuffer>
}

const eps = 1e-5

const startOf = (device: GPUDevice, options: LinearRun, rows: number, stride: number) => {
  const output = createTensor(device, 'out', rows * stride * 4)
  const residual = randomFloats(rows * stride, 5)
  if (options.epilogue === 'add') device.queue.writeBuffer(output.buffer, 0, residual)
  else poison(device, output)
  return { output, residual }
}

/**
 * Runs a linear layer and checks it against float64; what lies beyond its rows and columns must be
 * as it was. Returns the output's floats.
 */
export const runLinear = async (gpu: Gpu, options: LinearRun): Promise<Float32Array> => {
  const { device } = gpu.context
  const { format, rows, weightRows, columns, epilogue, rowCount = 'tokens' } = options
  const { matrix, values } = weightMatrix(device, format, [weightRows, columns], options.cuts)
  const x = options.x ?? randomFloats(rows * columns, 3)
  const normWeight = options.norm ? randomFloats(columns, 4) : undefined
  const bias = options.bias ? randomFloats(weightRows, 6) : undefined
  const { outputScale = 1, softCap = 0 } = options
  const outputs = isGated(epilogue) ? weightRows / 2 : weightRows
  const stride = options.outputStride ?? outputs
  // One row more than the step counts, which must stay untouched.
  const { output, residual } = startOf(device, options, rows + 1, stride)
  const header = new Uint32Array(16)
  header[rowCount === 'tokens' ? 0 : 2] = rows
  const upload = (data: Float32Array<ArrayBuffer>): Tensor => uploadTensor(device, 'test', data)
  const layer = await createLinear(gpu, {
    weight: matrix,
    input: upload(x),
    output,
    step: uploadTensor(device, 'step', header),
    ...(normWeight ? { norm: { weight: upload(normWeight), eps } } : {}),
    ...(bias ? { bias: upload(bias) } : {}),
    epilogue,
    outputScale,
    softCap,
    rowCount,
    maxRows: rows,
    ...(options.outputStride ? { outputStride: options.outputStride } : {}),
  })
  const recorder = new CommandRecorder(device)
  layer.encode(recorder, rows)
  recorder.submit()
  const sums = linearReference({
    x,
    weight: values,
    rows,
    weightRows,
    columns,
    ...(normWeight ? { norm: { weight: normWeight, eps } } : {}),
    ...(bias ? { bias } : {}),
    outputScale,
    softCap,
  })
  const wanted = epilogueReference(sums, epilogue)
  const got = await readFloats(device, output)
  compare({ got, wanted, residual, rows, outputs, stride }, options)
  return got
}

const compare = (
  data: {
    readonly got: Float32Array
    readonly wanted: Float64Array
    readonly residual: Float32Array
    readonly rows: number
    readonly outputs: number
    readonly stride: number
  },
  options: LinearRun,
): void => {
  const { got, wanted, residual, rows, outputs, stride } = data
  // Products of numbers in [-1, 1): an f32 sum of k of them errs by far less than this.
  const tolerance = 2e-6 * options.columns + 1e-5
  for (let m = 0; m <= rows; m++) {
    for (let i = 0; i < stride; i++) {
      const value = got[m * stride + i]!
      const before = options.epilogue === 'add' ? residual[m * stride + i]! : NaN
      const written = m < rows && i < outputs
      const base = options.epilogue === 'add' ? before : 0
      const target = written ? base + wanted[m * outputs + i]! : before
      const error = Math.abs(value - target)
      const good = Number.isNaN(target) ? Number.isNaN(value) : error <= tolerance
      if (!good) {
        throw new Error(
          `row ${m}, output ${i} is ${value}, not ${target}: ${JSON.stringify({ ...options, x: 0 })}`,
        )
      }
    }
  }
}
