export type ReferenceKnobs = {
  readonly temperature: number
  readonly topK: number
  readonly topP: number
  readonly minP: number
  readonly seed: readonly [number, number]
  readonly position: number
}

/** What changes the logits before the draw, as a request states it. */
export type LogitKnobs = {
  readonly allowed: ReadonlySet<number> | null
  readonly bias: ReadonlyMap<number, number>
  readonly promptTokenIds: readonly number[]
  readonly outputTokenIds: readonly number[]
  readonly repetitionPenalty: number
  readonly presencePenalty: number
  readonly frequencyPenalty: number
}

/** vLLM's order: allowed ids, bias, repetition, frequency and presence penalties; each step in f32. */
export const adjustReference = (
  logits: ArrayLike<number>,
  knobs: LogitKnobs,
): Float32Array<ArrayBuffer> => {
  const counts = new Map<number, number>()
  for (const id of knobs.outputTokenIds) counts.set(id, (counts.get(id) ?? 0) + 1)
  const seen = new Set([...knobs.promptTokenIds, ...knobs.outputTokenIds])
  const penalty = Math.fround(knobs.repetitionPenalty)
  return Float32Array.from(logits, (logit, id) => {
    if (knobs.allowed && !knobs.allowed.has(id)) return Number.NEGATIVE_INFINITY
    let x = Math.fround(logit + Math.fround(knobs.bias.get(id) ?? 0))
    if (seen.has(id)) x = Math.fround(x > 0 ? x / penalty : x * penalty)
    const count = counts.get(id) ?? 0
    if (count === 0) return x
    x = Math.fround(x - Math.fround(Math.fround(knobs.frequencyPenalty) * count))
    return Math.fround(x - Math.fround(knobs.presencePenalty))
  })
}

/** Log-softmax of a row in float64, -Infinity for NaN and -Infinity. */
export const logprobsReference = (logits: ArrayLike<number>): number[] => {
  const values = Array.from(logits, (x) => (Number.isNaN(x) ? Number.NEGATIVE_INFINITY : x))
  const highest = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  const mass = values.reduce((sum, x) => sum + Math.exp(x - highest), 0)
  return values.map((x) => x - highest - Math.log(mass))
}

/** `random_bits` of shaders/lib/random.wgsl: pcg4d of (id, position, seed). */
export const randomBits = (
  seed: readonly [number, number],
  position: number,
  id: number,
): number => {
  let [x, y, z, w] = [id, position, seed[0], seed[1]].map(
    (word) => (Math.imul(word, 1664525) + 1013904223) | 0,
  ) as [number, number, number, number]
  const mix = () => {
    x = (x + Math.imul(y, w)) | 0
    y = (y + Math.imul(z, x)) | 0
    z = (z + Math.imul(x, y)) | 0
    w = (w + Math.imul(y, z)) | 0
  }
  mix()
  x ^= x >>> 16
  y ^= y >>> 16
  z ^= z >>> 16
  w ^= w >>> 16
  mix()
  return x >>> 0
}

const gumbelNoise = (bits: number): number => -Math.log(-Math.log1p(-(bits + 0.5) / 2 ** 32))

/** `isAmbiguous`: another rounding could have chosen another token. */
export type ReferenceToken = { readonly id: number; readonly isAmbiguous: boolean }

type Candidate = { readonly id: number; readonly logit: number }

const isClose = (a: number, b: number): boolean => Math.abs(a - b) < 1e-5 * Math.max(1, Math.abs(b))

// The shortest run of most likely candidates that reaches topP, with all that equal its last.
const cutTopP = (sorted: readonly Candidate[], knobs: ReferenceKnobs) => {
  const highest = sorted[0]?.logit ?? 0
  const masses = sorted.map(({ logit }) => Math.exp((logit - highest) / knobs.temperature))
  const target = masses.reduce((sum, mass) => sum + mass, 0) * knobs.topP
  let sum = 0
  let isAmbiguous = false
  const last = masses.findIndex((mass) => {
    sum += mass
    isAmbiguous ||= isClose(sum, target)
    return sum >= target
  })
  const threshold = sorted[last]?.logit ?? Number.NEGATIVE_INFINITY
  return { kept: sorted.filter(({ logit }) => logit >= threshold), isAmbiguous }
}

// In vLLM's order: temperature, min-p, top-k (ties stay), top-p.
const cutReference = (logits: ArrayLike<number>, knobs: ReferenceKnobs) => {
  let kept = Array.from(logits, (logit, id) => ({ id, logit }))
    .filter(({ logit }) => !Number.isNaN(logit))
    .sort((a, b) => b.logit - a.logit || a.id - b.id)
  if (knobs.temperature < 1e-5) return { kept: kept.slice(0, 1), isAmbiguous: false }
  let isAmbiguous = false
  const highest = kept[0]?.logit ?? 0
  if (knobs.minP > 0) {
    const floor = highest + knobs.temperature * Math.log(knobs.minP)
    isAmbiguous ||= kept.some(({ logit }) => logit < highest && isClose(logit, floor))
    kept = kept.filter(({ logit }) => logit >= floor)
  }
  const kth = kept[knobs.topK - 1]?.logit ?? Number.NEGATIVE_INFINITY
  if (knobs.topK > 0) kept = kept.filter(({ logit }) => logit >= kth)
  if (knobs.topP < 1) {
    const cut = cutTopP(kept, knobs)
    kept = cut.kept
    isAmbiguous ||= cut.isAmbiguous
  }
  return { kept, isAmbiguous }
}

/** The distribution that a token is drawn from, by id. */
export const distributionReference = (
  logits: ArrayLike<number>,
  knobs: ReferenceKnobs,
): { readonly probabilities: readonly number[]; readonly isAmbiguous: boolean } => {
  const { kept, isAmbiguous } = cutReference(logits, knobs)
  const probabilities = Array.from(logits, () => 0)
  const highest = kept[0]?.logit ?? 0
  const scale = Math.max(knobs.temperature, 1e-5)
  const masses = kept.map(({ logit }) => Math.exp((logit - highest) / scale))
  const total = masses.reduce((sum, mass) => sum + mass, 0)
  kept.forEach(({ id }, i) => {
    probabilities[id] = (masses[i] ?? 0) / total
  })
  return { probabilities, isAmbiguous }
}

/** The cuts, then Gumbel-max. */
export const sampleReference = (
  logits: ArrayLike<number>,
  knobs: ReferenceKnobs,
): ReferenceToken => {
  const { kept, isAmbiguous } = cutReference(logits, knobs)
  const noisy = kept
    .map(({ id, logit }) => ({
      id,
      score: logit + knobs.temperature * gumbelNoise(randomBits(knobs.seed, knobs.position, id)),
    }))
    .sort((a, b) => b.score - a.score)
  const [first, second] = noisy
  const isClosest = second !== undefined && isClose(second.score, first?.score ?? 0)
  return { id: first?.id ?? 0, isAmbiguous: isAmbiguous || isClosest }
}
