import type { EngineStats } from './generation.ts'

export type PoolingRequest = {
  readonly promptTokenIds: readonly number[]
  /** Lower numbers are served first, equal ones in order of arrival. Default 0. */
  readonly priority?: number
  /** Keeps so many numbers of the vector, from the first; all unless given. */
  readonly dimensions?: number | null
  /** Whether the vector gets the length 1, after it was cut. */
  readonly normalize: boolean
}

/** What a model allows to be done with its vectors. */
export type VectorRules = {
  /** They have length 1 unless a request says otherwise. */
  readonly normalize: boolean
  /** Lengths to which they may be cut: none, any, or those listed. */
  readonly dimensions: 'none' | 'any' | readonly number[]
}

/** A running request. */
export type PooledText = {
  /** f32 [dimensions]. Rejects with the EngineError that ended the request, `aborted` included. */
  readonly vector: Promise<Float32Array<ArrayBuffer>>
  /** Ends the request now. Safe to call at any time, more than once. */
  abort(): void
}

/** The engine of a model that embeds, as the server sees it: token ids in, vectors out. */
export type PoolingEngine = {
  /** Longest text in tokens. */
  readonly maxModelLen: number
  readonly vocabSize: number
  /** Numbers in a vector. */
  readonly width: number
  /**
   * Queues a request.
   *
   * @throws EngineError `invalid-request` for no tokens or an id outside the vocabulary,
   * `context-length-exceeded`, `disposed` after dispose.
   */
  addRequest(request: PoolingRequest): PooledText
  stats(): EngineStats
  /** There are no prefixes to forget: always true. */
  resetPrefixCache(): boolean
  dispose(): void
}

/** The first `dimensions` numbers of a vector; with `normalize` divided by their L2 norm. */
export const finishVector = (
  vector: Float32Array,
  { dimensions, normalize }: Pick<PoolingRequest, 'dimensions' | 'normalize'>,
): Float32Array<ArrayBuffer> => {
  const kept = vector.slice(0, dimensions ?? vector.length)
  if (!normalize) return kept
  const norm = Math.sqrt(kept.reduce((sum, x) => sum + x * x, 0))
  // As torch.nn.functional.normalize: a vector of zeros stays one.
  return kept.map((x) => x / Math.max(norm, 1e-12))
}
