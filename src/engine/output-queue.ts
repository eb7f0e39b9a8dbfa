import { EngineError } from '../errors.ts'
import type { GenerationOutput } from './generation.ts'

const merge = (earlier: GenerationOutput, later: GenerationOutput): GenerationOutput => ({
  ...later,
  newTokenIds: [...earlier.newTokenIds, ...later.newTokenIds],
  logprobs: later.logprobs && [...(earlier.logprobs ?? []), ...later.logprobs],
  promptLogprobs: earlier.promptLogprobs ?? later.promptLogprobs,
})

type Ending = { readonly error: EngineError | null }

/**
 * Carries one request's outputs to its reader. Outputs that a slow reader has not taken yet become
 * one, so memory does not grow with the number of steps and no token is lost.
 */
export class OutputQueue implements AsyncIterable<GenerationOutput> {
  readonly #onLeave: () => void
  #unread: GenerationOutput | null = null
  #ending: Ending | null = null
  #isRead = false
  #wakeReader: (() => void) | null = null

  /** @param onLeave Called when the reader stops before the end. */
  constructor(onLeave: () => void) {
    this.#onLeave = onLeave
  }

  /** Adds an output; one with a finish reason is the last. */
  push(output: GenerationOutput): void {
    if (this.#ending !== null) return
    this.#unread = this.#unread === null ? output : merge(this.#unread, output)
    if (output.finishReason !== null) this.#ending = { error: null }
    this.#wakeReader?.()
  }

  /** Ends the outputs with an error, thrown to the reader after the outputs it has yet to read. */
  fail(error: EngineError): void {
    this.#ending ??= { error }
    this.#wakeReader?.()
  }

  [Symbol.asyncIterator](): AsyncIterator<GenerationOutput> {
    if (this.#isRead) {
      throw new EngineError(
        'invalid-request',
        'The outputs of a request can be iterated only once. Keep what you read.',
      )
    }
    this.#isRead = true
    return {
      next: () => this.#next(),
      return: async () => {
        this.#unread = null
        this.#ending ??= { error: null }
        this.#onLeave()
        this.#wakeReader?.()
        return { done: true, value: undefined }
      },
    }
  }

  async #next(): Promise<IteratorResult<GenerationOutput>> {
    while (this.#unread === null && this.#ending === null) {
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve
      })
    }
    const output = this.#unread
    if (output !== null) {
      this.#unread = null
      return { done: false, value: output }
    }
    const error = this.#ending?.error ?? null
    if (error === null) return { done: true, value: undefined }
    this.#ending = { error: null }
    throw error
  }
}
