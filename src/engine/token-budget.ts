/** Weight of the newest measurement. */
const smoothing = 0.25

export type TokenBudgetOptions = {
  readonly minTokens: number
  readonly maxTokens: number
  /** How long a step should take, in milliseconds; null keeps the budget at `maxTokens`. */
  readonly targetStepMs: number | null
}

/**
 * Sizes prefill chunks so that a step takes about `targetStepMs`: a page shares its GPU with the
 * browser's compositor, and a GPU process that hangs for seconds is killed.
 *
 * Steps below `minTokens` don't count. Their time goes into reading the weights, which costs the
 * same for one token as for many, and says nothing about larger steps.
 */
export class TokenBudget {
  readonly #options: TokenBudgetOptions
  #msPerToken: number | null = null
  #lastCompletedAt = Number.NEGATIVE_INFINITY

  constructor(options: TokenBudgetOptions) {
    this.#options = options
  }

  /** Tokens that the next step may compute. */
  get numTokens(): number {
    const { minTokens, maxTokens, targetStepMs } = this.#options
    if (targetStepMs === null || this.#msPerToken === null) return maxTokens
    const affordable = Math.floor(targetStepMs / this.#msPerToken)
    return Math.min(Math.max(affordable, minTokens), maxTokens)
  }

  /** Takes in a step, in order of completion; times in milliseconds on one clock. */
  record(numTokens: number, submittedAt: number, completedAt: number): void {
    // A step that was submitted behind another began when that one was done.
    const elapsed = completedAt - Math.max(submittedAt, this.#lastCompletedAt)
    this.#lastCompletedAt = completedAt
    if (numTokens < this.#options.minTokens) return
    const measured = Math.max(elapsed, 0) / numTokens
    const before = this.#msPerToken ?? measured
    this.#msPerToken = before + smoothing * (measured - before)
  }
}
