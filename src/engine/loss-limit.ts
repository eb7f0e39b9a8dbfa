import { EngineError } from '../errors.ts'

const windowMs = 60_000
const mostLosses = 3

/** Counts lost devices, and gives up on a GPU that fails over and over. */
export class LossLimit {
  readonly #recent: number[] = []
  #total = 0

  /** How many losses there were. */
  get total(): number {
    return this.#total
  }

  /**
   * Takes in a loss at `now`, in milliseconds.
   *
   * @throws EngineError `device-lost` at the third loss within a minute.
   */
  record(cause: EngineError, now: number): void {
    this.#total += 1
    this.#recent.push(now)
    while (now - this.#recent[0]! >= windowMs) this.#recent.shift()
    if (this.#recent.length < mostLosses) return
    throw new EngineError(
      'device-lost',
      `The GPU failed ${mostLosses} times within a minute, last with: ${cause.message} Close other ` +
        'pages that use the GPU, or choose a smaller model, and create the engine again.',
      { cause },
    )
  }
}
