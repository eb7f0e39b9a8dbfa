import { malformedBody } from './errors.ts'
import { parseJsonText } from './json-text.ts'
import { bodyError } from './lax-types.ts'

const positionOf = (error: unknown): number => {
  const match = error instanceof Error ? /position (\d+)/.exec(error.message) : null
  return Number(match?.[1] ?? 0)
}

/**
 * The JSON body of a request.
 *
 * @throws EngineError a 400 of type `Bad Request` for another content type or malformed JSON.
 */
export const readJsonBody = async (request: Request): Promise<unknown> => {
  const contentType = request.headers.get('content-type') ?? ''
  if (contentType.split(';')[0]?.trim().toLowerCase() !== 'application/json') {
    throw malformedBody(
      "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed",
    )
  }
  const text = await request.text()
  if (text === '') {
    throw bodyError([{ type: 'missing', path: [], message: 'Field required', input: null }])
  }
  try {
    return parseJsonText(text)
  } catch (error) {
    const path = [positionOf(error)]
    throw bodyError([{ type: 'json_invalid', path, message: 'JSON decode error', input: {} }])
  }
}
