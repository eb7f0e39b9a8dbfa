import { EngineError } from '../../../../src/errors.ts'
import type { ServedModel } from '../../../../src/server/served-model.ts'
import { eos, type PieceScript } from '../fixtures.ts'

/** One kind of request, and what the engine does for it. */
export type GoldenCase = {
  readonly kind: string
  readonly body: Readonly<Record<string, unknown>>
  readonly scripts: readonly PieceScript[]
  readonly model?: Partial<ServedModel>
  readonly headers?: Readonly<Record<string, string>>
  /** 200 unless given. */
  readonly status?: number
  /** Asked for as one body too. */
  readonly alsoWhole?: true
}

/** The shortest answer in more than one piece. */
export const hello: PieceScript = { pieces: ['Hel', 'lo', eos] }

export const usage = { include_usage: true }
export const continuousUsage = { ...usage, continuous_usage_stats: true }

export const lost = new EngineError('device-lost', 'The GPU is gone ☹. Reload the page.')
