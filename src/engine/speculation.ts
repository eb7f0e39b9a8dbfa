/** Longest and shortest run of tokens that is looked up in what came before. */
const longestNgram = 5
const shortestNgram = 2
/** Weight of the newest token in the hit rate. */
const smoothing = 0.2
/**
 * Hit rates at which drafts go to the model and no longer do. A sequence that speculates waits for
 * each step's tokens before the next one, so it must gain more than run-ahead does.
 */
const startRate = 0.6
const stopRate = 0.35

/**
 * The tokens that followed the last earlier occurrence of a sequence's newest tokens: prompt lookup,
 * which costs no second model. The longest occurrence wins, then the latest.
 */
export const lookUpDraft = (tokenIds: readonly number[], maxTokens: number): number[] => {
  const { length } = tokenIds
  let bestLength = 0
  let bestEnd = 0
  for (let end = length - 1; end > 0 && bestLength < longestNgram; end--) {
    let matched = 0
    while (
      matched < longestNgram &&
      matched < end &&
      tokenIds[end - 1 - matched] === tokenIds[length - 1 - matched]
    ) {
      matched += 1
    }
    if (matched > bestLength) {
      bestLength = matched
      bestEnd = end
    }
  }
  if (bestLength < shortestNgram) return []
  // What repeats with a short period is taken to go on repeating.
  const period = length - bestEnd
  return Array.from({ length: maxTokens }, (_, index) => tokenIds[bestEnd + (index % period)]!)
}

/**
 * Decides when a sequence speculates. It predicts every token, whether or not its drafts are verified
 * by the model, so the hit rate is known before a step is spent on them.
 */
export class Speculation {
  readonly #maxDraftTokens: number
  #hitRate = 0
  #isOn = false
  /** What the lookup says about the tokens to come. */
  #predicted: readonly number[] = []

  constructor(maxDraftTokens: number) {
    this.#maxDraftTokens = maxDraftTokens
  }

  /** Whether the next step should wait until all tokens are known, to verify a draft. */
  get isOn(): boolean {
    return this.#isOn
  }

  /** The draft to verify after these tokens, at most `limit` long; empty while switched off. */
  draft(limit: number): readonly number[] {
    return this.#isOn ? this.#predicted.slice(0, limit) : []
  }

  /** Takes in the newest of the tokens, all known. */
  observe(tokenIds: readonly number[]): void {
    const isHit = this.#predicted.length > 0 && this.#predicted[0] === tokenIds.at(-1)
    this.#hitRate += smoothing * ((isHit ? 1 : 0) - this.#hitRate)
    this.#isOn = this.#hitRate > (this.#isOn ? stopRate : startRate)
    this.#predicted = lookUpDraft(tokenIds, this.#maxDraftTokens)
  }
}
