import type { ModelExecutor, StepSummary } from '../../../src/engine/model-executor.ts'
import { resolveSamplingParams, type SamplingParams } from '../../../src/engine/sampling-params.ts'
import { Sequence } from '../../../src/engine/sequence.ts'

export const vocabSize = 24
export const eosTokenId = 0

const mix = (hash: number, value: number) => Math.imul(hash ^ value, 0x0100_0193) >>> 0

/** The model: the next token is a pure function of all tokens before it and of the seed. */
export const nextToken = (history: Iterable<number>, seed: number, position: number): number => {
  let hash = mix(mix(0x811c_9dc5, seed), position)
  for (const token of history) hash = mix(hash, token + 1)
  hash = Math.imul(hash ^ (hash >>> 15), 0x85eb_ca6b) >>> 0
  return ((hash ^ (hash >>> 13)) >>> 0) % vocabSize
}

/** What a request generates when it runs alone, without any engine. */
export const generateAlone = (
  prompt: readonly number[],
  params: { seed: number; maxTokens: number; maxModelLen?: number; ignoreEos?: boolean },
): number[] => {
  const tokens = [...prompt]
  const end = Math.min(prompt.length + params.maxTokens, params.maxModelLen ?? Infinity)
  while (tokens.length < end) {
    tokens.push(nextToken(tokens, params.seed, tokens.length))
    if (params.ignoreEos !== true && tokens.at(-1) === eosTokenId) break
  }
  return tokens.slice(prompt.length)
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
    for (let token = 0; token < at(0); token++) {
      const entry = at(at(3) + token)
      const id = entry >= 0x8000_0000 ? this.#lastTokens[entry & 0x7fff_ffff]! : entry
      this.#kv[at(at(5) + token)] = id
    }
    const sampled = new Uint32Array(at(2))
    for (let row = 0; row < at(2); row++) {
      const base = at(11) + row * 12
      const token = at(base)
      const sequence = at(at(6) + token)
      const table = at(9) + sequence * at(10)
      const history: number[] = []
      for (let position = 0; position <= at(at(4) + token); position++) {
        const block = at(table + Math.floor(position / 16))
        history.push(this.#kv[block * 16 + (position % 16)]!)
      }
      sampled[row] = nextToken(history, at(base + 6), at(base + 8))
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

  /** Finishes the oldest step. */
  complete(): void {
    const step = this.pending.shift()
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
