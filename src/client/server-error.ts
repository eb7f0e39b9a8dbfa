import { EngineError, quote, type EngineErrorCode } from '../errors.ts'

/** Worth another try, or another server: busy, restarting, or not reached. */
const isTemporary = (status: number): boolean => [408, 429, 502, 503, 504].includes(status)

const codeOf = (status: number): EngineErrorCode => {
  if (isTemporary(status)) return 'network'
  return status >= 400 && status < 500 ? 'invalid-request' : 'internal'
}

type ErrorFields = {
  readonly message?: unknown
  readonly type?: unknown
  readonly param?: unknown
  readonly code?: unknown
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** The HTTP status that an error body tells, as vLLM's does in its `code`. */
export const statusInBody = (error: unknown): number | null => {
  const code = (error as ErrorFields | null)?.code
  return typeof code === 'number' && code >= 400 ? code : null
}

/**
 * What a server gave as its error: OpenAI's object, a bare text, or something else. `details` has
 * its `status`, and its `type` and `param` where it tells them.
 */
export const toServerError = (error: unknown, status: number): EngineError => {
  const fields: ErrorFields = typeof error === 'object' && error !== null ? error : {}
  const text = isText(error) ? error : fields.message
  const message = isText(text) ? text : `it sent ${quote(error)}`
  return new EngineError(codeOf(status), `The server answered ${status}: ${message}`, {
    details: {
      status,
      ...(isText(fields.type) ? { type: fields.type } : {}),
      ...(isText(fields.param) ? { param: fields.param } : {}),
    },
  })
}
