/** Number of u32 in the header. */
export const stepInputHeaderLength = 16
/** Number of u32 in a sample row. */
export const sampleRowLength = 20
/** Set in a token entry that names a slot of `lastTokens` instead of a token id. */
export const lastTokenFlag = 0x8000_0000

/** The header's entries; the rest are 0. `shaders/lib/step-input.wgsl` reads the same layout. */
export const stepInputHeader = {
  numTokens: 0,
  numSequences: 1,
  numSamples: 2,
  /** [numTokens] a token id, or `lastTokenFlag | slot` for the token drawn last in that slot. */
  tokenIds: 3,
  /** [numTokens] */
  positions: 4,
  /** [numTokens] block * 16 + offset in the block: where the token's KV goes. */
  slotMapping: 5,
  /** [numTokens] index of the token's sequence in this batch. */
  tokenSequence: 6,
  /** [numSequences + 1] token index at which each sequence's rows begin. */
  queryStart: 7,
  /** [numSequences] keys visible after this step. */
  contextLength: 8,
  /** [numSequences * blockTableStride] */
  blockTables: 9,
  blockTableStride: 10,
  /** [numSamples * 20], see `sampleRow`. */
  sampleRows: 11,
  numDecodeSequences: 12,
  numDecodeTokens: 13,
} as const

/** A sample row's entries; the rest are 0. Fractions are stored as the bits of an f32. */
export const sampleRow = {
  tokenIndex: 0,
  slot: 1,
  temperature: 2,
  topK: 3,
  topP: 4,
  minP: 5,
  seedLow: 6,
  seedHigh: 7,
  /** 0-based index in the sequence of the token being drawn. */
  position: 8,
  /** 0 for no log probabilities, else 1 + how many tokens to list beside the target. */
  logprobs: 9,
  /** The token whose log probability is wanted, or `drawnToken`. */
  target: 10,
  /** Where the row's adjustments begin in this array: `adjustmentLength` words each. */
  adjustments: 11,
  numAdjustments: 12,
  /** Where a bit for each token id begins in this array, set for what may be drawn; 0 for all. */
  mask: 13,
  repetitionPenalty: 14,
  presencePenalty: 15,
  frequencyPenalty: 16,
  /** 1 when the newest token, counted in no adjustment, is still to be read from `lastTokens[slot]`. */
  hasPendingToken: 17,
  /** Where the ids to list begin in this array; 0 for the most likely. */
  logprobTokenIds: 18,
} as const

/** Stands in `sampleRow.slot` for a row whose token no later step reads from the GPU. */
export const noSlot = 0xffff_ffff
/** Stands in `sampleRow.target` for the token that the row draws. */
export const drawnToken = 0xffff_ffff

/**
 * Words of an adjustment, one for each token id whose logit changes: the id, the bias as the bits
 * of an f32 (-Infinity bans it) and its occurrences, where `inPromptFlag` is set when the prompt has
 * it and the rest counts it in the output. Ids are distinct within a row.
 */
export const adjustmentLength = 3
export const inPromptFlag = 0x8000_0000
