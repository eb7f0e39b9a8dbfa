import type { Constraint } from './constraint.ts'

/** What the tokens of a model say. */
export type Vocabulary = {
  /** The bytes of all tokens one behind the other; a token may be part of a character, or nothing. */
  readonly bytes: Uint8Array
  /** Where each token's bytes end: [vocabSize]. */
  readonly ends: Uint32Array
  /** Ids that end an answer. */
  readonly stopTokenIds: readonly number[]
}

/** Behind `start` and these ids in an answer. */
export type AnswerPosition = {
  readonly answer: number
  readonly start: string
  readonly tokenIds: readonly number[]
}

/**
 * Compiles constraints and works masks out, wherever that is done: nothing but data goes in and out.
 * What is made has a number, by which it is used and released.
 */
export type GrammarApi = {
  /** To be called once, before all else. */
  open(vocabulary: Vocabulary): Promise<void>
  /** @throws EngineError `invalid-request` for a constraint that is wrong or can't be kept. */
  compile(constraint: Constraint): Promise<number>
  /** Begins an answer that is held to a compiled constraint, and can't hold some ids at all. */
  startAnswer(grammar: number, forbiddenIds: readonly number[]): Promise<number>
  /** For each position asked about a bit for each id, set where it may come next. */
  masks(positions: readonly AnswerPosition[]): Promise<Uint32Array[]>
  /** Forgets a constraint or an answer. */
  release(id: number): Promise<void>
}

/** Somebody who does all this, from when it is needed until it is stopped. */
export type GrammarConnection = { readonly api: GrammarApi; readonly stop: () => void }
