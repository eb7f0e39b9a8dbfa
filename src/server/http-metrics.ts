/** `complete`: the arguments of the call are JSON; `incomplete`: cut off or malformed. */
export type ToolCallOutcome = 'complete' | 'incomplete'

export type Count<Labels> = Labels & { readonly count: number }

type RequestLabels = { readonly path: string; readonly status: string }
type ToolCallLabels = { readonly parser: string; readonly outcome: ToolCallOutcome }

/** Counts by a set of labels. */
class LabelledCounter<Labels extends Readonly<Record<string, string>>> {
  readonly #counts = new Map<string, Count<Labels>>()

  add(labels: Labels): void {
    const key = JSON.stringify(labels)
    const count = (this.#counts.get(key)?.count ?? 0) + 1
    this.#counts.set(key, { ...labels, count })
  }

  list(): readonly Count<Labels>[] {
    return [...this.#counts.values()]
  }
}

/** What the server counts besides the engine: one instance a handler. */
export class HttpMetrics {
  readonly #requests = new LabelledCounter<RequestLabels>()
  readonly #toolCalls = new LabelledCounter<ToolCallLabels>()
  #numStreams = 0
  #numAnswering = 0

  countRequest(labels: RequestLabels): void {
    this.#requests.add(labels)
  }

  countToolCall(labels: ToolCallLabels): void {
    this.#toolCalls.add(labels)
  }

  /** Call what it returns once, when the stream is over. */
  openStream(): () => void {
    this.#numStreams += 1
    return () => {
      this.#numStreams -= 1
    }
  }

  /** Counts a request to the engine until it has its answer, or the beginning of a stream. */
  async whileAnswering(answer: () => Response | Promise<Response>): Promise<Response> {
    this.#numAnswering += 1
    try {
      return await answer()
    } finally {
      this.#numAnswering -= 1
    }
  }

  get requests(): readonly Count<RequestLabels>[] {
    return this.#requests.list()
  }

  get toolCalls(): readonly Count<ToolCallLabels>[] {
    return this.#toolCalls.list()
  }

  get numStreams(): number {
    return this.#numStreams
  }

  /** Requests to the engine that are not over: waiting for their answer, or streaming it. */
  get load(): number {
    return this.#numAnswering + this.#numStreams
  }
}
