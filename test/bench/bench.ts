import type { EngineStats } from '../../src/engine/generation.ts'

/** What the benchmark drives: an engine's public face. */
export type BenchTarget = {
  readonly baseURL: string
  readonly fetch: (input: string, init: RequestInit) => Promise<Response>
  readonly stats: () => Promise<EngineStats>
  readonly vocabSize: number
  readonly numLayers: number
}

export type BenchRow = { readonly what: string; readonly value: number; readonly unit: string }

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

const repetitions = 3
const promptLength = 256
const decodeLength = 64
/** For a ratio of two times. */
const comparedLength = 3 * decodeLength
const comparisons = 7

/** embed, gather-norm, head, and the sampler's two: what a step dispatches outside its layers. */
const dispatchesOutsideLayers = 5

/** Seconds until `batch` requests have all been answered. */
const time = async (target: BenchTarget, batch: number, body: () => object): Promise<number> => {
  const start = performance.now()
  await Promise.all(
    Array.from({ length: batch }, async () => {
      const response = await target.fetch(`${target.baseURL}/completions`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ temperature: 0, ignore_eos: true, ...body() }),
      })
      if (!response.ok) throw new Error(await response.text())
      await response.json()
    }),
  )
  return (performance.now() - start) / 1000
}

const measure = async (run: () => Promise<number>): Promise<number> => {
  await run()
  const seconds: number[] = []
  for (let repetition = 0; repetition < repetitions; repetition++) seconds.push(await run())
  return median(seconds)
}

/** Objects without end, so that an answer may go on as long as one that is free. */
const endlessGrammar = String.raw`(\{"name": "[^"]*", "count": (0|[1-9]\d*)\}, )+`

/** Tokens per second of answers that are held to a grammar, against those of free ones right before. */
const benchGrammar = async (
  target: BenchTarget,
  batch: number,
  prompt: readonly number[],
): Promise<BenchRow> => {
  const free = { prompt, max_tokens: comparedLength, min_tokens: comparedLength }
  const held = { ...free, structured_outputs: { regex: endlessGrammar } }
  const times = { free: [] as number[], held: [] as number[] }
  await time(target, batch, () => held)
  for (let run = 0; run < comparisons; run++) {
    times.free.push(await time(target, batch, () => free))
    times.held.push(await time(target, batch, () => held))
  }
  return {
    what: `throughput with a grammar, batch ${batch}`,
    // The quickest of each: whatever else the machine does makes them slower, never quicker.
    value: (100 * Math.min(...times.free)) / Math.min(...times.held),
    unit: '%',
  }
}

/** Prefill and decode at batch 1 and 8: medians of three runs after a warm-up. */
export const bench = async (target: BenchTarget): Promise<BenchRow[]> => {
  // Fresh random prompts, so that the prefix cache never helps.
  const randomPrompt = (length: number) =>
    Array.from({ length }, () => Math.floor(Math.random() * target.vocabSize * 0.9))
  const rows: BenchRow[] = []
  const stepMs: number[] = []
  for (const batch of [1, 8]) {
    const prefill = await measure(() =>
      time(target, batch, () => ({ prompt: randomPrompt(promptLength), max_tokens: 1 })),
    )
    const short = { max_tokens: decodeLength + 1 }
    const first = await measure(() =>
      time(target, batch, () => ({ prompt: randomPrompt(16), max_tokens: 1 })),
    )
    const sampling = setInterval(() => {
      void target.stats().then(({ lastStepMs }) => stepMs.push(lastStepMs))
    }, 20)
    const before = await target.stats()
    const whole = await measure(() =>
      time(target, batch, () => ({ prompt: randomPrompt(16), ...short })),
    )
    const after = await target.stats()
    clearInterval(sampling)
    const numSteps = after.numSteps - before.numSteps
    const numOverlapped = after.numOverlappedSteps - before.numOverlappedSteps
    rows.push(
      { what: `prefill, batch ${batch}`, value: (batch * promptLength) / prefill, unit: 'tok/s' },
      {
        what: `decode, batch ${batch}`,
        value: (batch * decodeLength) / (whole - first),
        unit: 'tok/s',
      },
      {
        what: `steps submitted while another ran, batch ${batch}`,
        value: (100 * numOverlapped) / numSteps,
        unit: '%',
      },
    )
  }
  const { dispatchesPerStep } = await target.stats()
  for (const batch of [1, 8]) rows.push(await benchGrammar(target, batch, randomPrompt(16)))
  const inLayers = dispatchesPerStep - dispatchesOutsideLayers
  return [
    { what: 'dispatches per layer', value: inLayers / target.numLayers, unit: '' },
    { what: 'dispatches per step', value: dispatchesPerStep, unit: '' },
    { what: 'JavaScript per step', value: median(stepMs), unit: 'ms' },
    ...rows,
  ]
}
