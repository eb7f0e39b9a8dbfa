import { fetchUntilAborted, signalOf, type Fetch } from './fetch.ts'
import { watchBody, type BodyEnd } from './watch-body.ts'

/** `open` refuses every request; `half-open` lets one through to see. */
export type CircuitState = 'closed' | 'open' | 'half-open'

export type CircuitBreakerOptions = {
  /** So many failures in a row open it: 5 unless given. */
  readonly failureThreshold?: number
  /** How long it stays open before one request may try: 30 seconds unless given. */
  readonly resetMs?: number
  /** The responses that count as failures: those of 500 and above, 501 apart, unless given. */
  readonly isFailure?: (response: Response) => boolean
  readonly onStateChange?: (state: CircuitState) => void
}

const isServerFailure = ({ status }: Response): boolean => status >= 500 && status !== 501

const refuse = (waitMs: number): Response => {
  const seconds = Math.ceil(waitMs / 1000)
  const message = `The server failed several times in a row. It is tried again in ${seconds} s.`
  const error = { message, type: 'ServiceUnavailableError', param: null, code: 503 }
  return Response.json({ error }, { status: 503, headers: { 'retry-after': String(seconds) } })
}

const createCircuit = (options: CircuitBreakerOptions) => {
  const { failureThreshold = 5, resetMs = 30_000, onStateChange } = options
  let state: CircuitState = 'closed'
  let numFailures = 0
  let openUntil = 0
  const become = (next: CircuitState) => {
    if (state === next) return
    state = next
    onStateChange?.(next)
  }
  const open = () => {
    openUntil = performance.now() + resetMs
    become('open')
  }
  return {
    /** 0 where a request may go, else the milliseconds to wait. */
    enter(): number {
      if (state === 'closed') return 0
      const waitMs = openUntil - performance.now()
      if (state === 'half-open') return Math.max(waitMs, 1000)
      if (waitMs > 0) return waitMs
      become('half-open')
      return 0
    },
    /** The server answers again. What went wrong is forgotten only when an answer came whole. */
    answered: () => become('closed'),
    succeed() {
      numFailures = 0
      become('closed')
    },
    fail() {
      numFailures += 1
      if (numFailures >= failureThreshold) open()
    },
    /** The request was given up by its caller, and tells nothing. */
    forget() {
      if (state === 'half-open') become('open')
    },
  }
}

/**
 * Spares a server that fails again and again, and its clients the wait: after some failures in a
 * row, requests are answered at once with a 503 that has a `Retry-After`, until one that is let
 * through succeeds. Failures are errors of `fetch`, statuses of 500 and above, and bodies that
 * break off; what the caller aborts counts as nothing.
 */
export const withCircuitBreaker = (fetch: Fetch, options: CircuitBreakerOptions = {}): Fetch => {
  const circuit = createCircuit(options)
  const isFailure = options.isFailure ?? isServerFailure
  return async (input, init) => {
    const signal = signalOf(input, init)
    signal?.throwIfAborted()
    const waitMs = circuit.enter()
    if (waitMs > 0) return refuse(waitMs)
    const giveUp = () => (signal?.aborted ? circuit.forget() : circuit.fail())
    try {
      const response = await fetchUntilAborted(fetch, input, { ...init, signal })
      if (isFailure(response)) {
        circuit.fail()
        return response
      }
      circuit.answered()
      const onEnd = (end: BodyEnd) => {
        if (end === 'complete') circuit.succeed()
        else if (end === 'failed') giveUp()
      }
      return watchBody(response, { signal, onEnd })
    } catch (thrown) {
      giveUp()
      throw thrown
    }
  }
}
