import { EngineError } from '../errors.ts'
import type { TargetFormat } from '../kernels/quantize.ts'
import type { WeightFormat } from '../kernels/weight-format.ts'
import { quantizationBlock } from './quantization.ts'
import type { TensorInfo } from './safetensors.ts'

export type FormatOptions = {
  /**
   * `stored` keeps tensors that are quantised in their files as they are; the others bring all to `dtype`
   * or to blocks of 8 or 4 bits, which some files have already.
   */
  readonly quantization: 'stored' | 'none' | 'q8' | 'q4'
  /** For weights that are not quantised: `auto` keeps f32 files f32 and all else f16. */
  readonly dtype: 'auto' | 'f32' | 'f16'
}

/** Tensors of one shape whose rows lie in turn: row j of each, then row j + 1. */
export type TensorGroup = readonly TensorInfo[]

/** Packed rows go to the GPU as their files have them, others are brought into a format there. */
type FormatChoice =
  | { readonly isPacked: true; readonly format: WeightFormat }
  | { readonly isPacked: false; readonly format: TargetFormat }

/** A group with its place in the matrix. */
export type PlannedGroup = FormatChoice & {
  readonly infos: TensorGroup
  readonly firstRow: number
  readonly numRows: number
}

/** Neighbouring rows of one format. */
export type FormatRun = {
  readonly format: WeightFormat
  readonly firstRow: number
  readonly numRows: number
}

export type MatrixPlan = {
  readonly rows: number
  readonly columns: number
  readonly groups: readonly PlannedGroup[]
  readonly runs: readonly FormatRun[]
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

const refuseShape = (info: TensorInfo, like: TensorInfo, what: string): never => {
  throw new EngineError(
    'invalid-file',
    `Tensors ${info.name} [${info.shape.join(', ')}] and ${like.name} [${like.shape.join(', ')}] ` +
      `must have the same number of ${what}. Check that config.json belongs to these weights.`,
    { details: { tensor: info.name, like: like.name } },
  )
}

/** The head decides between near-equal tokens: it keeps eight bits where all else has four. */
const isVocabularyMatrix = (name: string): boolean =>
  /(embed_tokens|word_embeddings|tok_embeddings|lm_head)\.weight$/.test(name)

const targetFormat = (
  infos: TensorGroup,
  columns: number,
  { quantization, dtype }: FormatOptions,
): TargetFormat => {
  const isBlocked = columns % quantizationBlock === 0
  if (isBlocked && (quantization === 'q8' || quantization === 'q4')) {
    return quantization === 'q4' && isVocabularyMatrix(infos[0]!.name) ? 'q8' : quantization
  }
  // Rows in turn must share a format: where those of the files differ, eight bits lose least.
  if (isBlocked && quantization === 'stored' && infos.some(({ packed }) => packed)) return 'q8'
  // f16 packs two columns in a word, and the kernels read four at a time.
  if (dtype === 'f32' || columns % 4 !== 0) return 'f32'
  if (dtype === 'f16') return 'f16'
  return infos.some((info) => info.dtype === 'F32') ? 'f32' : 'f16'
}

const chooseFormat = (
  infos: TensorGroup,
  columns: number,
  options: FormatOptions,
): FormatChoice => {
  const target = targetFormat(infos, columns, options)
  const stored = infos[0]!.packed?.format
  const isWanted = options.quantization === 'stored' || stored === target
  if (isWanted && stored && infos.every(({ packed }) => packed?.format === stored)) {
    return { isPacked: true, format: stored }
  }
  return { isPacked: false, format: target }
}

const runsOf = (groups: readonly PlannedGroup[]): FormatRun[] => {
  const runs: FormatRun[] = []
  for (const { format, firstRow, numRows } of groups) {
    const last = runs.at(-1)
    if (last?.format === format) {
      runs[runs.length - 1] = { ...last, numRows: last.numRows + numRows }
    } else {
      runs.push({ format, firstRow, numRows })
    }
  }
  return runs
}

/**
 * What becomes of tensors that form one matrix on the GPU, group after group. Reads nothing.
 *
 * @throws EngineError `invalid-file` for shapes that do not fit each other.
 */
export const planMatrix = (
  tensorGroups: readonly TensorGroup[],
  options: FormatOptions,
): MatrixPlan => {
  const first = tensorGroups[0]![0]!
  const [, columns] = matrixShape(first)
  const groups: PlannedGroup[] = []
  let rows = 0
  for (const infos of tensorGroups) {
    const [height] = matrixShape(infos[0]!)
    for (const info of infos) {
      const [ownRows, ownColumns] = matrixShape(info)
      if (ownColumns !== columns) refuseShape(info, first, 'columns')
      if (ownRows !== height) refuseShape(info, infos[0]!, 'rows')
    }
    const numRows = height * infos.length
    groups.push({ infos, firstRow: rows, numRows, ...chooseFormat(infos, columns, options) })
    rows += numRows
  }
  return { rows, columns, groups, runs: runsOf(groups) }
}
