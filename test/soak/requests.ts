import type { GenerationRequest } from '../../src/engine/generation.ts'
import type { SamplingParams } from '../../src/engine/sampling-params.ts'

/** Random numbers by hashing a counter, so that neighbouring seeds have nothing in common. */
export const createRandom = (seed: number) => {
  let counter = seed >>> 0
  /** In [0, 1). */
  const uniform = (): number => {
    counter = (counter + 0x9e37_79b9) >>> 0
    let hash = Math.imul(counter ^ (counter >>> 16), 0x21f0_aaad)
    hash = Math.imul(hash ^ (hash >>> 15), 0x735a_2d97)
    return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32
  }
  /** An integer in [low, high]. */
  const integer = (low: number, high: number): number =>
    low + Math.floor(uniform() * (high - low + 1))
  const isOneIn = (count: number): boolean => uniform() * count < 1
  const pick = <Item>(items: readonly Item[]): Item => items[integer(0, items.length - 1)]!
  const integers = (length: number, low: number, high: number): number[] =>
    Array.from({ length }, () => integer(low, high))
  return { uniform, integer, isOneIn, pick, integers }
}

export type Random = ReturnType<typeof createRandom>

export type Limits = { readonly vocabSize: number; readonly maxModelLen: number }

const tokenIds = (random: Random, { vocabSize }: Limits, length: number) =>
  random.integers(length, 0, vocabSize - 1)

/** System prompts, as many requests share them: the longest takes five blocks. */
const prefixes = (limits: Limits): number[][] =>
  [17, 32, 40, 63, 80].map((length) => tokenIds(createRandom(length), limits, length))

const drawPrompt = (random: Random, limits: Limits): number[] => {
  const own = tokenIds(random, limits, random.integer(1, random.isOneIn(6) ? 120 : 24))
  if (random.isOneIn(8)) return Array.from({ length: 40 }, (_, at) => own[at % 3] ?? own[0]!)
  return random.isOneIn(3) ? own : [...random.pick(prefixes(limits)), ...own]
}

const drawKnobs = (random: Random, limits: Limits): Partial<SamplingParams> => {
  const ids = (most: number) => [...new Set(tokenIds(random, limits, random.integer(1, most)))]
  const sometimes = (given: Partial<SamplingParams>) => (random.isOneIn(6) ? given : {})
  const sampled: Partial<SamplingParams> = {
    temperature: random.pick([0.1, 0.7, 1, 1.6]),
    topK: random.pick([0, 0, 1, 20]),
    topP: random.pick([1, 1, 0.5, 0.95]),
    minP: random.pick([0, 0, 0.05]),
  }
  return {
    ...(random.isOneIn(2) ? { temperature: 0 } : sampled),
    ...sometimes({ repetitionPenalty: 1.3 }),
    ...sometimes({ presencePenalty: random.pick([-1, 0.4]), frequencyPenalty: 0.7 }),
    ...sometimes({ logitBias: ids(5).map((id) => [id, random.pick([-100, 2, 6])] as const) }),
    ...sometimes({ allowedTokenIds: ids(30) }),
    ...sometimes({ badWordsTokenIds: [ids(1), ids(2)] }),
    ...sometimes({ stopTokenIds: ids(20), ignoreEos: false }),
    ...sometimes({ logprobs: random.integer(0, 5) }),
    ...(random.isOneIn(12) ? { promptLogprobs: random.integer(0, 3) } : {}),
  }
}

/** Allows every other id, and which ones depends on the output so far. */
const alternatingMask =
  (vocabSize: number) =>
  async (output: readonly number[]): Promise<Uint32Array> =>
    new Uint32Array(Math.ceil(vocabSize / 32)).fill(
      output.length % 2 === 0 ? 0x5555_5555 : 0xaaaa_aaaa,
    )

/** A request of any kind, whose tokens depend on nothing but itself. */
export const drawRequest = (random: Random, limits: Limits): GenerationRequest => {
  const maxTokens = random.integer(1, random.isOneIn(4) ? 90 : 24)
  const knobs = drawKnobs(random, limits)
  const hasMask = random.isOneIn(15) && !knobs.allowedTokenIds
  return {
    promptTokenIds: drawPrompt(random, limits),
    samplingParams: {
      ignoreEos: true,
      maxTokens,
      minTokens: random.isOneIn(4) ? random.integer(0, maxTokens) : 0,
      seed: random.integer(0, 2 ** 31),
      ...knobs,
    },
    priority: random.pick([0, 0, 0, -1, 1, 5]),
    ...(random.isOneIn(10) ? { cacheSalt: random.pick(['one', 'two']) } : {}),
    ...(hasMask ? { tokenMask: alternatingMask(limits.vocabSize) } : {}),
  }
}

/** A request that must be refused, whatever else is in it. */
export const drawBadRequest = (random: Random, limits: Limits): GenerationRequest => {
  const request = drawRequest(random, limits)
  const { vocabSize, maxModelLen } = limits
  const badParams: readonly Partial<SamplingParams>[] = [
    { temperature: -1 },
    { temperature: Number.NaN },
    { topP: 0 },
    { topP: 1.5 },
    { topK: -2 },
    { topK: 2.5 },
    { minP: 2 },
    { maxTokens: 0 },
    { maxTokens: 1.5 },
    { maxTokens: 2, minTokens: 3 },
    { seed: 1.5 },
    { repetitionPenalty: 0 },
    { presencePenalty: 3 },
    { frequencyPenalty: Number.NaN },
    { logitBias: [[vocabSize, 1]] },
    { logitBias: [[1, Infinity]] },
    { allowedTokenIds: [] },
    { allowedTokenIds: [-1] },
    { badWordsTokenIds: [[]] },
    { logprobs: 33 },
    { logprobTokenIds: [] },
    { logprobTokenIds: [vocabSize] },
    { promptLogprobs: -1 },
  ]
  const badPrompts = [[], [vocabSize], [1, -1], [0.5], tokenIds(random, limits, maxModelLen)]
  return random.isOneIn(4)
    ? { ...request, promptTokenIds: random.pick(badPrompts) }
    : { ...request, samplingParams: { ...request.samplingParams, ...random.pick(badParams) } }
}
