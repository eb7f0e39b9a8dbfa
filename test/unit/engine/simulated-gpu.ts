import type { ModelExecutor, StepSummary } from '../../../src/engine/model-executor.ts'
import { resolveSamplingParams, type SamplingParams } from '../../../src/engine/sampling-params.ts'
import { Sequence } from '../../../src/engine/sequence.ts'

export const vocabSize = 24
export const eosTokenId = 0

const mix = (hash: number, value: number) => Math.imul(hash ^ value, 0x0100_0193) >>> 0

/** The KV of a token: like a transformer's, it depends on the token and on all before it. */
const nextState = (stateBefore: number, tokenId: number) => mix(stateBefore, tokenId + 1)
const firstState = 0x811c_9dc5

/** The next token: a pure function of the KV of all tokens before it and of the seed. */
const nextToken = (states: readonly number[], seed: number, position: number): number => {
  let hash = mix(mix(firstState, seed), position)
  for (const state of states) hash = mix(hash, state)
  hash = Math.imul(hash ^ (hash >>> 15), 0x85eb_ca6b) >>> 0
  return ((hash ^ (hash >>> 13)) >>> 0) % vocabSize
}

/** What a request generates when it runs alone, without any engine. */
export const generateAlone = (
  prompt: readonly number[],
  params: { seed: number; maxTokens: number; maxModelLen?: number; ignoreEos?: boolean },
): number[] => {
  const states: number[] = []
  for (const id of prompt) states.push(nextState(states.at(-1) ?? firstState, id))
  const outputs: number[] = []
  const end = Math.min(prompt.length + params.maxTokens, params.maxModelLen ?? Infinity)
  while (states.length < end) {
    const id = nextToken(states, params.seed, states.length)
    outputs.push(id)
    states.push(nextState(states.at(-1) ?? firstState, id))
    if (params.ignoreEos !== true && id === eosTokenId) break
  }
  return outputs
}

/**
 * Runs step inputs on a KV cache of one u32 a position. It sees tokens only the way kernels do:
 * written through the slot mapping, read through the block tables. Any mistake in paging, sharing
 * or run-ahead therefore changes tokens. Indices are literals, to pin the layout.
 */
export class SimulatedGpu {
  readonly #kv: Uint32Array
  readonly #lastTokens: Uint32Array

  constructor(numBlocks: number, maxNumSeqs: number) {
    this.#kv = new Uint32Array(numBlocks * 16).fill(0xdead_beef)
    this.#lastTokens = new Uint32Array(maxNumSeqs).fill(0xdead_beef)
  }

  run(input: Uint32Array): Uint32Array {
    const at = (index: number) => input[index]!
    const slotOf = (token: number, position: number) => {
      const table = at(9) + at(at(6) + token) * at(10)
      return at(table + Math.floor(position / 16)) * 16 + (position % 16)
    }
    // In order of position, as a sequence may read blocks that another one writes in this step.
    const rows = Array.from({ length: at(0) }, (_, token) => ({
      token,
      position: at(at(4) + token),
    }))
    for (const { token, position } of rows.sort((a, b) => a.position - b.position)) {
      const entry = at(at(3) + token)
      const id = entry >= 0x8000_0000 ? this.#lastTokens[entry & 0x7fff_ffff]! : entry
      const before = position === 0 ? firstState : this.#kv[slotOf(token, position - 1)]!
      this.#kv[at(at(5) + token)] = nextState(before, id)
    }
    const sampled = new Uint32Array(at(2))
    for (let row = 0; row < at(2); row++) {
      const base = at(11) + row * 12
      const token = at(base)
      const states: number[] = []
      for (let position = 0; position <= at(at(4) + token); position++) {
        states.push(this.#kv[slotOf(token, position)]!)
      }
      sampled[row] = nextToken(states, at(base + 6), at(base + 8))
      this.#lastTokens[at(base + 1)] = sampled[row]!
    }
    return sampled
  }
}

type Pending = {
  readonly summary: StepSummary
  resolve(ids: Uint32Array): void
  reject(error: unknown): void
  readonly sampled: Uint32Array
}

/** An executor whose steps finish when the test says so, or by themselves in a later task. */
export class SimulatedExecutor implements ModelExecutor {
  readonly adapter = 'simulated'
  readonly dispatchesPerStep = 3
  readonly summaries: StepSummary[] = []
  readonly pending: Pending[] = []
  mostPending = 0
  isDisposed = false
  /** Thrown by the next `execute`. */
  executeError: unknown = null
  readonly #gpu: SimulatedGpu
  readonly #isManual: boolean

  constructor(options: { numBlocks: number; maxNumSeqs?: number; manual?: boolean }) {
    this.#gpu = new SimulatedGpu(options.numBlocks, options.maxNumSeqs ?? 8)
    this.#isManual = options.manual ?? false
  }

  execute(stepInput: Uint32Array<ArrayBuffer>, summary: StepSummary) {
    if (this.executeError !== null) {
      const error = this.executeError
      this.executeError = null
      throw error
    }
    this.summaries.push(summary)
    const sampled = this.#gpu.run(stepInput)
    const sampledTokenIds = new Promise<Uint32Array>((resolve, reject) => {
      this.pending.push({ summary, sampled, resolve, reject })
    })
    this.mostPending = Math.max(this.mostPending, this.pending.length)
    if (!this.#isManual) setImmediate(() => this.complete())
    return { sampledTokenIds }
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
  params: Partial<SamplingParams> & { cacheSalt?: string; maxModelLen?: number } = {},
): Sequence => {
  const { cacheSalt = null, maxModelLen = 256, ...samplingParams } = params
  return new Sequence({
    requestId,
    promptTokenIds,
    samplingParams: resolveSamplingParams(samplingParams),
    seed: [samplingParams.seed ?? 0, 0],
    cacheSalt,
    maxModelLen,
  })
}

/** `length` ids that differ from eos, told apart by `start`. */
export const tokens = (length: number, start = 0): number[] =>
  Array.from({ length }, (_, index) => 1 + ((start + index * 7 + (index >> 4)) % (vocabSize - 1)))
