import type { GenerationEngine } from '../../src/engine/generation.ts'
import type { ModelExecutor, StepSummary } from '../../src/engine/model-executor.ts'
import type { SamplingParams } from '../../src/engine/sampling-params.ts'
import type { SampledRow, TestModelOptions } from './test-engine.ts'

/** A request whose seed, of no use where it is greedy, tells its rows from those of others. */
export type StreamRequest = {
  readonly promptTokenIds: readonly number[]
  readonly samplingParams: Partial<SamplingParams> & { readonly seed: number }
}

/** What a request drew, and the logits of each draw. */
export type Stream = {
  readonly tokenIds: readonly number[]
  readonly logits: (Float32Array | null)[]
}

const knobs: readonly Partial<SamplingParams>[] = [
  { temperature: 0 },
  { temperature: 0.8 },
  { temperature: 0 },
  { temperature: 1, topK: 40, topP: 0.9 },
  { temperature: 0, repetitionPenalty: 1.2, presencePenalty: 0.5, frequencyPenalty: 0.3 },
  { temperature: 0.9, minP: 0.02, frequencyPenalty: 0.8, logitBias: [[17, 3]] },
  { temperature: 0, minTokens: 4, stopTokenIds: [27], badWordsTokenIds: [[120, 2], [185]] },
  { temperature: 0.7, allowedTokenIds: [60, 244, 104, 179] },
]

/**
 * Eight requests, four greedy and four seeded; the odd ones share their first 40 ids, which are two
 * and a half blocks.
 */
export const eightRequests: readonly StreamRequest[] = knobs.map((params, which) => {
  const shared = which % 2 === 1 ? Array.from({ length: 40 }, (_, at) => 3 + ((at * 7) % 300)) : []
  const own = Array.from({ length: 1 + which * 5 }, (_, at) => 3 + ((at * 13 + which * 31) % 300))
  return {
    promptTokenIds: [...shared, ...own],
    samplingParams: { ...params, maxTokens: 24, ignoreEos: true, seed: 1000 + which },
  }
})

/**
 * Keeps the logits of the last time that each token was drawn. A token is drawn again when it was
 * behind a wrong guess or on a device that was lost; what counts is the last time.
 */
export class LogitRecorder {
  readonly #rows = new Map<string, Promise<Float32Array | null>>()

  readonly onLogits: NonNullable<TestModelOptions['onLogits']> = (logits, rows) => {
    for (const [row, { seed, position }] of rows.entries()) {
      const own = logits.then(
        (all) =>
          all.slice((row * all.length) / rows.length, ((row + 1) * all.length) / rows.length),
        () => null,
      )
      this.#rows.set(keyOf({ seed, position }), own)
    }
  }

  /** @param mayLack A token may have come back from a device that was lost before its logits did. */
  async stream(
    request: StreamRequest,
    tokenIds: readonly number[],
    mayLack = false,
  ): Promise<Stream> {
    const { seed } = request.samplingParams
    const logits: (Float32Array | null)[] = []
    for (const index of tokenIds.keys()) {
      const position = request.promptTokenIds.length + index
      const row = await this.#rows.get(keyOf({ seed, position }))
      if (!row && !mayLack) {
        throw new Error(`No logits were seen for token ${index} of the request ${seed}.`)
      }
      logits.push(row ?? null)
    }
    return { tokenIds, logits }
  }

  clear(): void {
    this.#rows.clear()
  }
}

const keyOf = ({ seed, position }: SampledRow) => `${seed} ${position}`

/** The ids that a request draws. `onToken` is called with their number so far. */
export const draw = async (
  engine: GenerationEngine,
  request: StreamRequest,
  onToken?: (numTokens: number) => void,
): Promise<number[]> => {
  const tokenIds: number[] = []
  for await (const output of engine.addRequest(request)) {
    tokenIds.push(...output.newTokenIds)
    onToken?.(tokenIds.length)
  }
  return tokenIds
}

/** Each request by itself, one after the other. */
export const drawAlone = async (
  engine: GenerationEngine,
  recorder: LogitRecorder,
  requests: readonly StreamRequest[],
): Promise<Stream[]> => {
  const streams: Stream[] = []
  for (const request of requests) {
    streams.push(await recorder.stream(request, await draw(engine, request)))
  }
  recorder.clear()
  return streams
}

/** All requests together, each of them a little later than it could be. */
export const drawTogether = async (
  engine: GenerationEngine,
  recorder: LogitRecorder,
  requests: readonly StreamRequest[],
  delayMs: (which: number) => number = () => 0,
): Promise<Stream[]> => {
  const all = requests.map(async (request, which) => {
    await new Promise((resolve) => setTimeout(resolve, delayMs(which)))
    return draw(engine, request)
  })
  const drawn = await Promise.all(all)
  const streams = requests.map((request, which) => recorder.stream(request, drawn[which]!))
  const result = await Promise.all(streams)
  recorder.clear()
  return result
}

/** An executor that outlives its engines, with notes on what they asked of it. */
export const shared = (executor: ModelExecutor) => {
  const notes = { mostInFlight: 0, summaries: [] as StepSummary[] }
  let numInFlight = 0
  const settled = () => void (numInFlight -= 1)
  return {
    notes,
    executor: {
      adapter: executor.adapter,
      failed: executor.failed,
      get dispatchesPerStep() {
        return executor.dispatchesPerStep
      },
      execute(stepInput, summary, sampling) {
        const handle = executor.execute(stepInput, summary, sampling)
        notes.summaries.push(summary)
        numInFlight += 1
        notes.mostInFlight = Math.max(notes.mostInFlight, numInFlight)
        handle.result.then(settled, settled)
        return handle
      },
      dispose: () => {},
    } satisfies ModelExecutor,
  }
}

/** The first draw whose logits are not the same bit for bit, or null. */
export const firstDifference = (streams: readonly Stream[], lone: readonly Stream[]) => {
  for (const [which, { logits }] of streams.entries()) {
    for (const [index, row] of logits.entries()) {
      if (row === null) continue
      const wanted = lone[which]!.logits[index]!
      const id = row.findIndex((logit, id) => !Object.is(logit, wanted[id]))
      if (id !== -1) return { which, index, id, logit: row[id]!, wanted: wanted[id]! }
    }
  }
  return null
}
