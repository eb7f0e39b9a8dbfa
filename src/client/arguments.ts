import { EngineError, quote } from '../errors.ts'
import type { ToolCall } from './messages.ts'

export type JsonObject = { readonly [name: string]: unknown }

const parse = ({ name, arguments: text }: Pick<ToolCall, 'name' | 'arguments'>): unknown => {
  // Models write nothing where a tool has no parameters.
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text)
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    throw new EngineError(
      'invalid-request',
      `The arguments of the call to ${quote(name)} are no valid JSON (${why}). ` +
        'Call it again with a JSON object.',
      { cause: thrown, details: { tool: name } },
    )
  }
}

/**
 * The arguments of a whole call.
 *
 * @throws EngineError `invalid-request` where they are no JSON object. Its message can be shown to
 * the model as the call's result.
 */
export const parseArguments = (call: Pick<ToolCall, 'name' | 'arguments'>): JsonObject => {
  const value = parse(call)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as JsonObject
  }
  throw new EngineError(
    'invalid-request',
    `The arguments of the call to ${quote(call.name)} are ${quote(value)}. ` +
      'Call it again with a JSON object.',
    { details: { tool: call.name } },
  )
}
