import { EngineError, type EngineErrorCode, type EngineErrorDetails } from '../errors.ts'

/** The body of every refusal and failure, in OpenAI's shape. vLLM's `code` is the HTTP status. */
export type ErrorBody = {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: number
  }
}

type HttpFailure = { readonly status: number; readonly type: string }

const badRequest: HttpFailure = { status: 400, type: 'BadRequestError' }
const serverError: HttpFailure = { status: 500, type: 'InternalServerError' }

const failures: Partial<Record<EngineErrorCode, HttpFailure>> = {
  'invalid-request': badRequest,
  'context-length-exceeded': badRequest,
  'unsupported-model': { status: 501, type: 'NotImplementedError' },
  'unsupported-format': { status: 501, type: 'NotImplementedError' },
  disposed: { status: 503, type: 'ServiceUnavailableError' },
}

const text = (value: EngineErrorDetails[string] | undefined): string | null =>
  typeof value === 'string' ? value : null

/**
 * The error JSON for anything thrown. `details` of an EngineError may hold `parameter` (the field
 * at fault), and `status` with `type` where the code alone does not settle them.
 */
export const toErrorBody = (thrown: unknown): ErrorBody => {
  const { code, message, details } = EngineError.from(thrown)
  const failure = failures[code] ?? serverError
  return {
    error: {
      message,
      type: text(details['type']) ?? failure.type,
      param: text(details['parameter']),
      code: typeof details['status'] === 'number' ? details['status'] : failure.status,
    },
  }
}

export const errorResponse = (thrown: unknown): Response => {
  const body = toErrorBody(thrown)
  return Response.json(body, { status: body.error.code })
}

/** A 400 of type `BadRequestError`: the request is well formed, but can't be served as it is. */
export const invalidRequest = (message: string, parameter?: string): EngineError =>
  new EngineError('invalid-request', message, parameter ? { details: { parameter } } : {})

/**
 * As {@link invalidRequest}, with the suffix that vLLM gives to such a message. A `value` that is no
 * number is written as Python would.
 */
export const invalidParameter = (
  message: string,
  parameter: string,
  value?: number | string,
): EngineError => {
  const suffix = value === undefined ? '' : `, value=${value}`
  return invalidRequest(`${message} (parameter=${parameter}${suffix})`, parameter)
}

/** A 400 of type `Bad Request`: the body is no JSON or has a field of a wrong type. */
export const malformedBody = (message: string, parameter?: string): EngineError =>
  new EngineError('invalid-request', message, {
    details: { type: 'Bad Request', ...(parameter ? { parameter } : {}) },
  })

/** A 409: the request is fine, but not while other requests run. */
export const conflict = (message: string): EngineError =>
  new EngineError('invalid-request', message, { details: { status: 409, type: 'ConflictError' } })

/** A 404, which clients do not try again: the endpoint is not for what the loaded model does. */
export const notForThisModel = (api: string): EngineError =>
  new EngineError('unsupported-model', `The model does not support ${api}`, {
    details: { status: 404, type: 'NotFoundError' },
  })

export const modelNotFound = (model: string): EngineError =>
  new EngineError('invalid-request', `The model \`${model}\` does not exist.`, {
    details: { parameter: 'model', status: 404, type: 'NotFoundError' },
  })
