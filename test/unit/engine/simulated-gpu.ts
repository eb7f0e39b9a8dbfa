import type { GenerationRequest, TokenLogprobs } from '../../../src/engine/generation.ts'
import { LogitAdjustments } from '../../../src/engine/logit-adjustments.ts'
import type {
  ModelExecutor,
  SamplingInput,
  StepResult,
  StepSummary,
} from '../../../src/engine/model-executor.ts'
import { resolveSamplingParams, type SamplingParams } from '../../../src/engine/sampling-params.ts'
import { Sequence } from '../../../src/engine/sequence.ts'
import { Speculation } from '../../../src/engine/speculation.ts'
import type { EngineError } from '../../../src/errors.ts'

export const vocabSize = 24
export const eosTokenId = 0

const mix = (hash: number, value: number) => Math.imul(hash ^ value, 0x0100_0193) >>> 0

/** The KV of a token: like a transformer's, it depends on the token and on all before it. */
const nextState = (stateBefore: number, tokenId: number) => mix(stateBefore, tokenId + 1)
const firstState = 0x811c_9dc5

/** Seeds from here on make a model that repeats itself, as n-gram speculation hopes for. */
export const repetitiveSeed = 100
const period = 5

/**
 * The next token: a pure function of the KV of all tokens before it, of the seed and of what the
 * output so far adds up to when it is penalised.
 */
const nextToken = (
  kv: { readonly states: readonly number[]; readonly ids: readonly number[] },
  seed: number,
  penalty: number,
): number => {
  const { states, ids } = kv
  const position = states.length
  let hash = mix(mix(mix(firstState, seed), position), penalty)
  for (const state of states) hash = mix(hash, state)
  hash = Math.imul(hash ^ (hash >>> 15), 0x85eb_ca6b) >>> 0
  const drawn = ((hash ^ (hash >>> 13)) >>> 0) % vocabSize
  const repeats = seed >= repetitiveSeed && position >= period && position % 13 !== 0
  return repeats ? ids[position - period]! : drawn
}

/** What one occurrence of a token in the output adds to the penalty. */
const penaltyOf = (tokenId: number) => Math.imul(tokenId + 1, 0x9e37_79b1) >>> 0

/** The log probability of a token after a state: any number that differs between rows. */
export const logprobAfter = (state: number, tokenId: number) => -(mix(state, tokenId) % 997) / 100

/** The state after each token. */
export const statesOf = (tokenIds: readonly number[]): number[] => {
  const states: number[] = []
  for (const id of tokenIds) states.push(nextState(states.at(-1) ?? firstState, id))
  return states
}

/** What a request generates when it runs alone, without any engine. */
export const generateAlone = (
  prompt: readonly number[],
  params: {
    seed: number
    maxTokens: number
    maxModelLen?: number
    ignoreEos?: boolean
    frequencyPenalty?: number
  },
): number[] => {
  const ids = [...prompt]
  const states = statesOf(prompt)
  const end = Math.min(prompt.length + params.maxTokens, params.maxModelLen ?? Infinity)
  let penalty = 0
  while (ids.length < end) {
    const id = nextToken({ states, ids }, params.seed, penalty)
    ids.push(id)
    states.push(nextState(states.at(-1) ?? firstState, id))
    if (params.frequencyPenalty) penalty = (penalty + penaltyOf(id)) >>> 0
    if (params.ignoreEos !== true && id === eosTokenId) break
  }
  return ids.slice(prompt.length)
}

/** The KV slot of a position in the sequence of a step's row. */
const slotsOf = (input: Uint32Array) => (token: number, position: number) => {
  const table = input[9]! + input[input[6]! + token]! * input[10]!
  return input[table + Math.floor(position / 16)]! * 16 + (position % 16)
}

/**
 * Runs step inputs on a KV cache of a state and an id for each position. It sees tokens only the way
 * kernels do: written through the slot mapping, read through the block tables. Any mistake in paging,
 * sharing, run-ahead or speculation therefore changes tokens. Indices are literals, to pin the layout.
 */
export class SimulatedGpu {
  readonly #states: Uint32Array
  readonly #ids: Uint32Array
  readonly #lastTokens: Uint32Array

  constructor(numBlocks: number, maxNumSeqs: number) {
    this.#states = new Uint32Array(numBlocks * 16).fill(0xdead_beef)
    this.#ids = new Uint32Array(numBlocks * 16).fill(vocabSize)
    this.#lastTokens = new Uint32Array(maxNumSeqs).fill(0xdead_beef)
  }

  run(input: Uint32Array): StepResult {
    this.forward(input)
    return this.sample(input)
  }

  /** Writes the KV of a step's rows. */
  forward(input: Uint32Array): void {
    const at = (index: number) => input[index]!
    const slotOf = slotsOf(input)
    // In order of position, as a sequence may read blocks that another one writes in this step.
    const rows = Array.from({ length: at(0) }, (_, token) => ({
      token,
      position: at(at(4) + token),
    }))
    for (const { token, position } of rows.sort((a, b) => a.position - b.position)) {
      const entry = at(at(3) + token)
      const id = entry >= 0x8000_0000 ? this.#lastTokens[entry & 0x7fff_ffff]! : entry
      const before = position === 0 ? firstState : this.#states[slotOf(token, position - 1)]!
      this.#states[at(at(5) + token)] = nextState(before, id)
      this.#ids[at(at(5) + token)] = id
    }
  }

  /** Draws from a step's sample rows. */
  sample(input: Uint32Array): StepResult {
    const at = (index: number) => input[index]!
    const slotOf = slotsOf(input)
    const lastTokensBefore = this.#lastTokens.slice()
    const sampledTokenIds = new Uint32Array(at(2))
    const logprobs: (TokenLogprobs | null)[] = []
    // Backwards, as rows run in no order: of rows with one slot, the wrong one would write last.
    for (let row = at(2) - 1; row >= 0; row--) {
      const base = at(11) + row * 20
      const token = at(base)
      const slots = Array.from({ length: at(at(4) + token) + 1 }, (_, p) => slotOf(token, p))
      const states = slots.map((slot) => this.#states[slot]!)
      const ids = slots.map((slot) => this.#ids[slot]!)
      let penalty = at(base + 17) ? penaltyOf(lastTokensBefore[at(base + 1)]!) : 0
      for (let entry = 0; entry < at(base + 12); entry++) {
        const word = at(base + 11) + entry * 3
        penalty += Math.imul(penaltyOf(at(word)), at(word + 2) & 0x7fff_ffff)
      }
      const drawn = nextToken({ states, ids }, at(base + 6), penalty >>> 0)
      sampledTokenIds[row] = drawn
      if (at(base + 1) !== 0xffff_ffff) this.#lastTokens[at(base + 1)] = drawn
      const tokenId = at(base + 10) === 0xffff_ffff ? drawn : at(base + 10)
      const logprob = logprobAfter(states.at(-1)!, tokenId)
      logprobs.unshift(at(base + 9) === 0 ? null : { tokenId, logprob, rank: 1, top: [] })
    }
    return { sampledTokenIds, logprobs: logprobs.some(Boolean) ? logprobs : null }
  }
}

type Pending = {
  readonly summary: StepSummary
  resolve(result: StepResult): void
  reject(error: unknown): void
  readonly sampled: StepResult
}

/** An executor whose steps finish when the test says so, or by themselves in a later task. */
export class SimulatedExecutor implements ModelExecutor {
  readonly adapter = 'simulated'
  readonly dispatchesPerStep = 3
  readonly summaries: StepSummary[] = []
  readonly pending: Pending[] = []
  mostPending = 0
  /** Steps whose logits wait for how to draw from them. */
  numWaiting = 0
  isDisposed = false
  /** Thrown by the next `execute`. */
  executeError: unknown = null
  readonly failed: Promise<EngineError>
  /** Ends the executor as a lost device does. */
  lose!: (error: EngineError) => void
  readonly #gpu: SimulatedGpu
  readonly #isManual: boolean

  constructor(options: { numBlocks: number; maxNumSeqs?: number; manual?: boolean }) {
    this.#gpu = new SimulatedGpu(options.numBlocks, options.maxNumSeqs ?? 8)
    this.#isManual = options.manual ?? false
    this.failed = new Promise((resolve) => {
      this.lose = (error) => {
        resolve(error)
        this.executeError = error
        for (const step of this.pending.splice(0)) step.reject(error)
      }
    })
  }

  execute(
    stepInput: Uint32Array<ArrayBuffer>,
    summary: StepSummary,
    sampling?: Promise<SamplingInput>,
  ) {
    if (this.executeError !== null) {
      const error = this.executeError
      this.executeError = null
      throw error
    }
    this.summaries.push(summary)
    const input = stepInput.slice()
    this.#gpu.forward(input)
    const result = new Promise<StepResult>((resolve, reject) => {
      const sample = () => {
        if (this.executeError === null) {
          this.pending.push({ summary, sampled: this.#gpu.sample(input), resolve, reject })
          this.mostPending = Math.max(this.mostPending, this.pending.length)
          if (!this.#isManual) setImmediate(() => this.complete())
        } else reject(this.executeError)
      }
      if (!sampling) return sample()
      this.numWaiting += 1
      void sampling.then(({ at, words }) => {
        this.numWaiting -= 1
        input.set(words, at)
        sample()
      })
    })
    return { result }
  }

  /** Finishes the oldest step, or the one `index` steps after it. */
  complete(index = 0): void {
    const [step] = this.pending.splice(index, 1)
    step?.resolve(step.sampled)
  }

  /** Fails the oldest step. */
  fail(error: unknown): void {
    this.pending.shift()?.reject(error)
  }

  dispose(): void {
    this.isDisposed = true
  }
}

/** A sequence as the engine would make it. */
export const makeSequence = (
  requestId: string,
  promptTokenIds: readonly number[],
  params: Partial<SamplingParams> & {
    cacheSalt?: string
    maxModelLen?: number
    priority?: number
    numSpeculativeTokens?: number
    tokenMask?: GenerationRequest['tokenMask']
  } = {},
): Sequence => {
  const { cacheSalt = null, maxModelLen = 256, priority = 0, numSpeculativeTokens = 0 } = params
  const samplingParams = resolveSamplingParams(params)
  const adjustments = LogitAdjustments.of({
    samplingParams,
    promptTokenIds,
    eosTokenIds: new Set([eosTokenId]),
    vocabSize,
    tokenMask: params.tokenMask ?? null,
  })
  return new Sequence({
    requestId,
    promptTokenIds,
    samplingParams,
    seed: [samplingParams.seed ?? 0, 0],
    cacheSalt,
    priority,
    adjustments,
    speculation:
      numSpeculativeTokens > 0 && adjustments === null
        ? new Speculation(numSpeculativeTokens)
        : null,
    maxModelLen,
  })
}

/** `length` ids that differ from eos, told apart by `start`. */
export const tokens = (length: number, start = 0): number[] =>
  Array.from({ length }, (_, index) => 1 + ((start + index * 7 + (index >> 4)) % (vocabSize - 1)))
