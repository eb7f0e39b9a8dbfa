import type { ResponseEvent } from './events.ts'
import { responsesError } from './request.ts'
import type { ResponseObject } from './response.ts'

/** Most responses that are kept: the oldest make way, since a page may run for days. */
const mostResponses = 1000

/** The events of a running response, for readers who come early or late. */
export class EventLog {
  readonly #events: ResponseEvent[] = []
  #isOver = false
  #waiting: (() => void)[] = []

  #tellReaders(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  push(event: ResponseEvent): void {
    this.#events.push(event)
    this.#tellReaders()
  }

  end(): void {
    this.#isOver = true
    this.#tellReaders()
  }

  async *read(from: number): AsyncGenerator<ResponseEvent> {
    for (let at = from; ; at += 1) {
      while (at >= this.#events.length && !this.#isOver) {
        await new Promise<void>((wake) => this.#waiting.push(wake))
      }
      const event = this.#events[at]
      if (!event) return
      yield event
    }
  }
}

export type StoredResponse = {
  /** As it stands. */
  response: ResponseObject
  /** The conversation up to and with this response, as input items without instructions. */
  items: readonly unknown[]
  /** Of responses in the background alone. */
  readonly background: { readonly log: EventLog; readonly abort: () => void } | null
}

/** What vLLM keeps under VLLM_ENABLE_RESPONSES_API_STORE=1. */
export class ResponseStore {
  readonly #stored = new Map<string, StoredResponse>()

  put(stored: StoredResponse): void {
    this.#stored.set(stored.response.id, stored)
    const [oldest] = this.#stored.keys()
    if (this.#stored.size > mostResponses && oldest !== undefined) this.#stored.delete(oldest)
  }

  find(id: string): StoredResponse | undefined {
    return this.#stored.get(id)
  }

  findItem(id: unknown): object | undefined {
    for (const { response } of this.#stored.values()) {
      const item = response.output.find((given) => 'id' in given && given.id === id)
      if (item) return item
    }
    return undefined
  }
}

/** @throws EngineError a 404 in vLLM's words, where there is no store too. */
export const findResponse = (store: ResponseStore | null, id: string): StoredResponse => {
  const stored = store?.find(id)
  if (!stored) throw responsesError(`Response with id '${id}' not found.`, 'response_id', 404)
  return stored
}
