import { EngineError } from '../errors.ts'
import type {
  Generation,
  GenerationEngine,
  GenerationOutput,
  GenerationRequest,
  TokenLogprobs,
} from './generation.ts'

export type BeamSearchOptions = {
  readonly engine: Pick<GenerationEngine, 'addRequest'>
  readonly promptTokenIds: readonly number[]
  /** Beams kept from step to step, and most that are returned; at most `maxLogprobs / 2`. */
  readonly beamWidth: number
  readonly maxTokens: number
  /** Above 0 favours long beams, below 0 short ones; 0 compares bare probabilities. */
  readonly lengthPenalty: number
  /** The id that completes a beam; null where none does. */
  readonly eosTokenId: number | null
  /** Most likely alternatives to report for each token of a beam; at least twice the width are. */
  readonly numLogprobs?: number
  /** What all requests of the search share. */
  readonly request?: Pick<GenerationRequest, 'cacheSalt' | 'priority'>
  readonly requestId: string
}

export type Beam = {
  /** The answer, without the prompt and the end-of-sequence id. */
  readonly tokenIds: readonly number[]
  /** One entry a token of the answer, and one for the end-of-sequence id that completed it. */
  readonly logprobs: readonly TokenLogprobs[]
  /** Of the answer and its end-of-sequence id, natural logarithm. */
  readonly cumulativeLogprob: number
  /** `stop` for a beam that the end-of-sequence id completed. */
  readonly finishReason: 'stop' | 'length'
}

export type BeamSearchResult = {
  /** Best first, at most `beamWidth`. */
  readonly beams: readonly Beam[]
  /** Prompt tokens whose KV came from the prefix cache at the first step. */
  readonly numCachedTokens: number
}

export type BeamSearch = {
  /** Rejects with the EngineError that ends the search; `aborted` after an abort. */
  readonly result: Promise<BeamSearchResult>
  /** Ends every request of the search now. Safe to call at any time, more than once. */
  abort(): void
}

const emptyBeam: Beam = {
  tokenIds: [],
  logprobs: [],
  cumulativeLogprob: 0,
  finishReason: 'length',
}

/** `numTokens` counts the prompt and the answer, without an end-of-sequence id, as vLLM does. */
const score = (cumulativeLogprob: number, numTokens: number, lengthPenalty: number): number =>
  cumulativeLogprob / Math.max(numTokens, 1) ** lengthPenalty

const scorer =
  ({ promptTokenIds, lengthPenalty }: BeamSearchOptions) =>
  ({ cumulativeLogprob, tokenIds }: Beam): number =>
    score(cumulativeLogprob, promptTokenIds.length + tokenIds.length, lengthPenalty)

/** A live beam and one token that may come next. */
type Candidate = {
  readonly beam: Beam
  readonly next: TokenLogprobs
  readonly tokenId: number
  readonly cumulativeLogprob: number
}

const candidates = (beam: Beam, next: TokenLogprobs, beamWidth: number): Candidate[] =>
  next.top.slice(0, 2 * beamWidth).map(({ tokenId, logprob }) => {
    const cumulativeLogprob = beam.cumulativeLogprob + logprob
    return { beam, next, tokenId, cumulativeLogprob }
  })

const byLogprob = (a: Candidate, b: Candidate): number => b.cumulativeLogprob - a.cumulativeLogprob

const logprobsOf = ({ next, tokenId }: Candidate): TokenLogprobs => {
  const { top } = next
  const logprob = top.find((other) => other.tokenId === tokenId)?.logprob ?? next.logprob
  return { tokenId, logprob, rank: 1 + top.filter((other) => other.logprob > logprob).length, top }
}

const complete = (candidate: Candidate): Beam => ({
  tokenIds: candidate.beam.tokenIds,
  logprobs: [...candidate.beam.logprobs, logprobsOf(candidate)],
  cumulativeLogprob: candidate.cumulativeLogprob,
  finishReason: 'stop',
})

const grow = (candidate: Candidate): Beam => ({
  tokenIds: [...candidate.beam.tokenIds, candidate.tokenId],
  logprobs: [...candidate.beam.logprobs, logprobsOf(candidate)],
  cumulativeLogprob: candidate.cumulativeLogprob,
  finishReason: 'length',
})

const abortedError = () => new EngineError('aborted', 'The beam search was aborted.')

/** Every beam's next token, from one batch: all requests are added before any is waited for. */
class BeamStepper {
  readonly #options: BeamSearchOptions
  readonly #live = new Set<Generation>()
  #numSteps = 0
  #aborted = false

  constructor(options: BeamSearchOptions) {
    this.#options = options
  }

  start(beams: readonly Beam[]): readonly Generation[] {
    const { engine, promptTokenIds, beamWidth, numLogprobs, request, requestId } = this.#options
    if (this.#aborted) throw abortedError()
    this.#numSteps += 1
    return beams.map((beam, index) => {
      const generation = engine.addRequest({
        ...request,
        requestId: `${requestId}-${this.#numSteps}-${index}`,
        promptTokenIds: [...promptTokenIds, ...beam.tokenIds],
        samplingParams: {
          temperature: 0,
          maxTokens: 1,
          logprobs: Math.max(2 * beamWidth, numLogprobs ?? 0),
        },
      })
      this.#live.add(generation)
      return generation
    })
  }

  finish(generations: readonly Generation[]): Promise<readonly GenerationOutput[]> {
    return Promise.all(generations.map((generation) => this.#read(generation)))
  }

  abort(): void {
    this.#aborted = true
    for (const generation of this.#live) generation.abort()
    this.#live.clear()
  }

  async #read(generation: Generation): Promise<GenerationOutput> {
    try {
      for await (const output of generation) {
        if (output.newTokenIds.length > 0 && output.logprobs !== null) return output
      }
    } finally {
      this.#live.delete(generation)
    }
    throw abortedError()
  }
}

/**
 * Whether no continuation of a live beam can still take a place among the best `beamWidth`. A beam's
 * probability only falls as it grows, so its best conceivable score has the logprob of now at the
 * length that the penalty likes best.
 */
const isSettled = (
  completed: readonly Beam[],
  live: readonly Beam[],
  options: BeamSearchOptions,
): boolean => {
  const { promptTokenIds, beamWidth, maxTokens, lengthPenalty } = options
  if (live.length === 0) return true
  const worstKept = completed[beamWidth - 1]
  if (worstKept === undefined) return false
  const scoreOf = scorer(options)
  const length = lengthPenalty > 0 ? maxTokens : (live[0]?.tokenIds.length ?? 0)
  const bestLogprob = Math.max(...live.map((beam) => beam.cumulativeLogprob))
  const best = score(bestLogprob, promptTokenIds.length + length, lengthPenalty)
  return best <= scoreOf(worstKept)
}

const partition = <Item>(items: readonly Item[], test: (item: Item) => boolean) =>
  [items.filter(test), items.filter((item) => !test(item))] as const

const search = async (
  options: BeamSearchOptions,
  stepper: BeamStepper,
  first: readonly Generation[],
): Promise<BeamSearchResult> => {
  const { beamWidth, maxTokens, eosTokenId } = options
  const scoreOf = scorer(options)
  const byScore = (a: Beam, b: Beam): number => scoreOf(b) - scoreOf(a)
  let live: readonly Beam[] = [emptyBeam]
  let completed: readonly Beam[] = []
  let generations = first
  let numCachedTokens = 0
  for (let step = 0; step < maxTokens; step += 1) {
    if (step > 0) generations = stepper.start(live)
    const outputs = await stepper.finish(generations)
    if (step === 0) numCachedTokens = outputs[0]?.numCachedTokens ?? 0
    const possible = live
      .flatMap((beam, index) => {
        const next = outputs[index]?.logprobs?.[0]
        return next ? candidates(beam, next, beamWidth) : []
      })
      .filter(({ cumulativeLogprob }) => cumulativeLogprob > -Infinity)
    const [ended, going] = partition(possible, ({ tokenId }) => tokenId === eosTokenId)
    completed = [...completed, ...ended.map(complete)].toSorted(byScore).slice(0, beamWidth)
    live = going.toSorted(byLogprob).slice(0, beamWidth).map(grow)
    if (isSettled(completed, live, options)) break
  }
  const beams = [...completed, ...live].toSorted(byScore).slice(0, beamWidth)
  return { beams, numCachedTokens }
}

/**
 * vLLM's beam search. Each live beam is continued by one token a step; of all continuations, those
 * with the end-of-sequence id are completed and the `beamWidth` most likely others live on. In the
 * end completed and live beams are sorted by `cumulativeLogprob / numTokens ** lengthPenalty`. It
 * stops before `maxTokens` only when that could not change the result.
 *
 * A step's beams are requests of one token, so they run in one batch, and the prefix cache carries
 * their KV from step to step.
 *
 * @throws EngineError what `addRequest` throws for the prompt.
 */
export const startBeamSearch = (options: BeamSearchOptions): BeamSearch => {
  const stepper = new BeamStepper(options)
  const first = stepper.start([emptyBeam])
  const run = async () => {
    try {
      return await search(options, stepper, first)
    } finally {
      stepper.abort()
    }
  }
  const result = run()
  // Whoever aborts before waiting for the result need not look at it.
  result.catch(() => {})
  return { result, abort: () => stepper.abort() }
}
