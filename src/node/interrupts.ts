import { constants } from 'node:os'

const signals = ['SIGINT', 'SIGTERM'] as const

/** What a shell reports for a program that a signal ended. */
const exitCodeOf = (signal: (typeof signals)[number]): number => 128 + constants.signals[signal]

export type Interrupts = {
  /** Aborts at the first Ctrl-C or SIGTERM. The second one ends the process. */
  readonly signal: AbortSignal
  /** The exit code for having stopped at the first one. */
  exitCode(): number
  /** Leaves signals to Node again. */
  release(): void
}

/** From here on the first Ctrl-C or SIGTERM is a request to stop. */
export const watchInterrupts = (): Interrupts => {
  const controller = new AbortController()
  let exitCode = 0
  const onSignal = (signal: NodeJS.Signals) => {
    const code = exitCodeOf(signal as (typeof signals)[number])
    if (controller.signal.aborted) process.exit(code)
    exitCode = code
    controller.abort()
  }
  for (const signal of signals) process.on(signal, onSignal)
  return {
    signal: controller.signal,
    exitCode: () => exitCode,
    release: () => {
      for (const signal of signals) process.off(signal, onSignal)
    },
  }
}
