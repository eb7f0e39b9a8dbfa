/** Every way the engine can refuse or fail. One code, one remedy. */
export type EngineErrorCode =
  | 'webgpu-unavailable'
  | 'adapter-unavailable'
  | 'device-lost'
  | 'limit-exceeded'
  | 'out-of-memory'
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
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
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
