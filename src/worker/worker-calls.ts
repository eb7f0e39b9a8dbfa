import type { EngineError } from '../errors.ts'

/**
 * Calls to a worker that may end before it has answered, which Comlink alone would never notice. A race
 * with a promise of that end would keep every answer for as long as it is pending.
 */
export class WorkerCalls {
  readonly #open = new Set<(error: EngineError) => void>()
  #ended: EngineError | null = null

  /** Rejects what is open, and all that comes later. */
  end(error: EngineError): void {
    this.#ended ??= error
    for (const reject of this.#open) reject(this.#ended)
    this.#open.clear()
  }

  ask<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#ended) throw this.#ended
      this.#open.add(reject)
      work()
        .then(resolve, reject)
        .finally(() => this.#open.delete(reject))
    })
  }
}
