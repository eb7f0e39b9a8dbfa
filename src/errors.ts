/** Every way the engine can refuse or fail. One code, one remedy. */
export type EngineErrorCode =
  | 'webgpu-unavailable'
  | 'adapter-unavailable'
  | 'device-lost'
  | 'limit-exceeded'
  | 'out-of-memory'
  | 'model-too-large'
  | 'shader-compilation'
  | 'file-not-found'
  | 'network'
  | 'storage'
  | 'invalid-file'
  | 'unsupported-model'
  | 'unsupported-format'
  | 'invalid-request'
  | 'context-length-exceeded'
  | 'aborted'
  | 'disposed'
  | 'internal'

export type EngineErrorDetails = Readonly<Record<string, string | number | boolean | null>>

/** The plain form of an {@link EngineError} that crosses a worker boundary. */
export type EngineErrorData = {
  readonly code: EngineErrorCode
  readonly message: string
  readonly details?: EngineErrorDetails
}

const maxMessageLength = 2000

/** Both ends: what is wrong comes first, and the way out last. */
const shorten = (text: string, length: number): string => {
  const half = Math.floor(length / 2)
  return text.length > length ? `${text.slice(0, half)}…${text.slice(-half)}` : text
}

/** A value out of a file as a message shows it. It may be of any length, and of any depth. */
export const quote = (value: unknown): string => {
  try {
    return shorten(JSON.stringify(value) ?? String(value), 120)
  } catch {
    return 'a deeply nested value'
  }
}

/**
 * The only error class that Quire throws on purpose. The message names the thing that is wrong and
 * the way out; `details` holds the same facts for programs.
 */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly code: EngineErrorCode
  readonly details: EngineErrorDetails

  constructor(
    code: EngineErrorCode,
    message: string,
    options: { details?: EngineErrorDetails; cause?: unknown } = {},
  ) {
    // Names that a message repeats out of a broken file may be megabytes long.
    super(
      shorten(message, maxMessageLength),
      options.cause === undefined ? undefined : { cause: options.cause },
    )
    this.code = code
    this.details = options.details ?? {}
  }

  toData(): EngineErrorData {
    return { code: this.code, message: this.message, details: this.details }
  }

  static fromData(data: EngineErrorData): EngineError {
    return new EngineError(data.code, data.message, data.details ? { details: data.details } : {})
  }

  /** Any thrown value as an EngineError; what is not one already becomes `internal`. */
  static from(thrown: unknown): EngineError {
    if (thrown instanceof EngineError) return thrown
    if (thrown instanceof DOMException && thrown.name === 'AbortError') {
      return new EngineError('aborted', thrown.message || 'The operation was aborted.', {
        cause: thrown,
      })
    }
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    return new EngineError('internal', message, { cause: thrown })
  }
}
