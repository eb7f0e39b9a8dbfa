import type { StepShape } from '../layers/step-shape.ts'
import { blockSize } from './block-manager.ts'
import { stepInputHeader, stepInputHeaderLength } from './step-input-layout.ts'

export type PoolingStepLimits = {
  /** Rows of a step at most. */
  readonly maxNumTokens: number
  /** Texts of a step at most. */
  readonly maxNumSequences: number
  /** Tokens of a text at most. */
  readonly maxModelLen: number
}

const blocksOf = (numTokens: number): number => Math.ceil(numTokens / blockSize)

/** Blocks for the keys and values of a step, each text in blocks of its own. */
export const poolingBlocks = ({ maxNumTokens, maxNumSequences }: PoolingStepLimits): number =>
  blocksOf(maxNumTokens) + maxNumSequences

/** Words of the largest step. */
export const poolingStepCapacity = (limits: PoolingStepLimits): number => {
  const { maxNumTokens, maxNumSequences, maxModelLen } = limits
  const perSequence = 2 + blocksOf(maxModelLen)
  return stepInputHeaderLength + 4 * maxNumTokens + 1 + maxNumSequences * perSequence
}

/**
 * The numbers of a step of whole texts, laid out in `step-input-layout.ts`. Its keys and values live
 * no longer than a layer: the texts take the blocks from the first on.
 */
export const poolingStep = (
  texts: readonly (readonly number[])[],
): { words: Uint32Array<ArrayBuffer>; shape: StepShape } => {
  const lengths = texts.map((text) => text.length)
  const numTokens = lengths.reduce((sum, length) => sum + length, 0)
  const stride = blocksOf(Math.max(...lengths))
  const perSequence = 2 + stride
  const size = stepInputHeaderLength + 4 * numTokens + 1 + texts.length * perSequence
  const words = new Uint32Array(size)
  let free = stepInputHeaderLength
  const reserve = (header: keyof typeof stepInputHeader, length: number): Uint32Array => {
    words[stepInputHeader[header]] = free
    free += length
    return words.subarray(free - length, free)
  }
  const tokenIds = reserve('tokenIds', numTokens)
  const positions = reserve('positions', numTokens)
  const slots = reserve('slotMapping', numTokens)
  const sequences = reserve('tokenSequence', numTokens)
  const queryStart = reserve('queryStart', texts.length + 1)
  const contextLength = reserve('contextLength', texts.length)
  const blockTables = reserve('blockTables', texts.length * stride)
  words[stepInputHeader.numTokens] = numTokens
  words[stepInputHeader.numSequences] = texts.length
  // One pooled vector a text.
  words[stepInputHeader.numSamples] = texts.length
  words[stepInputHeader.blockTableStride] = stride
  let row = 0
  let block = 0
  for (const [sequence, text] of texts.entries()) {
    tokenIds.set(text, row)
    for (let position = 0; position < text.length; position++) {
      positions[row + position] = position
      slots[row + position] = block * blockSize + position
      sequences[row + position] = sequence
    }
    for (let i = 0; i < blocksOf(text.length); i++) blockTables[sequence * stride + i] = block++
    contextLength[sequence] = text.length
    row += text.length
    queryStart[sequence + 1] = row
  }
  return {
    words,
    shape: {
      numTokens,
      numSequences: texts.length,
      numSamples: texts.length,
      numDecodeSequences: 0,
      numDecodeTokens: 0,
      maxContextLength: 0,
      prefillRowCounts: lengths,
    },
  }
}
