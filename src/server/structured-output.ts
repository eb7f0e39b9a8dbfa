import * as v from 'valibot'
import type { Constraint, JsonOptions } from '../grammar/constraint.ts'
import { readSchema } from '../grammar/constraint.ts'
import { EngineError } from '../errors.ts'
import { invalidParameter, invalidRequest } from './errors.ts'
import { boolean, list, object, oneOf, pythonRepr, record, string } from './lax-types.ts'

/** The fields of a request that hold its answer to a form. */
export const structuredEntries = {
  response_format: v.nullish(
    object({
      type: oneOf(['text', 'json_object', 'json_schema', 'structural_tag']),
      json_schema: v.nullish(record),
      format: v.nullish(v.unknown()),
      structures: v.nullish(v.unknown()),
      triggers: v.nullish(v.unknown()),
    }),
  ),
  structured_outputs: v.nullish(
    object({
      json: v.nullish(v.unknown()),
      regex: v.nullish(string),
      choice: v.nullish(list(string)),
      grammar: v.nullish(string),
      json_object: v.nullish(boolean),
      structural_tag: v.nullish(v.unknown()),
      disable_any_whitespace: v.nullish(boolean),
      disable_additional_properties: v.nullish(boolean),
      whitespace_pattern: v.nullish(string),
    }),
  ),
}

export type StructuredRequest = v.InferOutput<v.ObjectSchema<typeof structuredEntries, undefined>>
type StructuredOutputs = NonNullable<StructuredRequest['structured_outputs']>

/** A constraint, and the field of the request that asks for it. */
export type RequestedConstraint = { readonly constraint: Constraint; readonly field: string }

const kinds = ['json', 'regex', 'choice', 'grammar', 'json_object', 'structural_tag'] as const

/** What `response_format` asks for, in the terms of `structured_outputs`. */
const fromResponseFormat = (format: StructuredRequest['response_format']): StructuredOutputs => {
  switch (format?.type) {
    case 'json_object':
      return { json_object: true }
    case 'json_schema': {
      const { json_schema: described } = format
      if (described == null) {
        throw invalidParameter(
          "When response_format type is 'json_schema', the 'json_schema' field must be provided.",
          'response_format',
        )
      }
      // Without a schema all JSON is meant, as OpenAI has it.
      return { json: described['schema'] ?? described['json_schema'] ?? { type: 'object' } }
    }
    case 'structural_tag': {
      const { structures, triggers } = format
      const isOlder = structures !== undefined
      return { structural_tag: isOlder ? { structures, triggers } : { format: format.format } }
    }
    default:
      return {}
  }
}

const checkOneKind = (outputs: StructuredOutputs) => {
  const given = kinds.filter((kind) => outputs[kind] != null && outputs[kind] !== false)
  if (given.length < 2) return
  const known = given.every((kind) => ['json', 'regex', 'choice'].includes(kind))
  throw invalidRequest(
    known
      ? "You can only use one kind of constraints for structured outputs ('json', 'regex' or 'choice')."
      : 'You can only use one kind of structured outputs constraint but multiple are specified: ' +
          `${pythonRepr(given)}.`,
  )
}

const parseTag = (tag: unknown): unknown => {
  if (typeof tag !== 'string') return tag
  try {
    return JSON.parse(tag)
  } catch {
    throw invalidRequest('`structural_tag` is a text that is no JSON.', 'structured_outputs')
  }
}

const toConstraint = (outputs: StructuredOutputs): Constraint | null => {
  const options: JsonOptions = {
    disableAnyWhitespace: outputs.disable_any_whitespace ?? false,
    disableAdditionalProperties: outputs.disable_additional_properties ?? false,
    whitespacePattern: outputs.whitespace_pattern ?? null,
  }
  const { json, regex, choice, grammar, structural_tag: tag } = outputs
  if (json != null) return { kind: 'json', schema: readSchema(json), options }
  if (outputs.json_object) return { kind: 'json', schema: { type: 'object' }, options }
  if (regex != null) return { kind: 'regex', pattern: regex }
  if (grammar != null) return { kind: 'grammar', text: grammar }
  if (tag != null) return { kind: 'structural-tag', tag: parseTag(tag), options }
  if (choice == null) return null
  if (choice.length > 0) return { kind: 'choice', choices: choice }
  throw invalidRequest('`choice` must not be empty.', 'structured_outputs')
}

/** Names the field at fault, where whoever found the fault does not know it. */
export const blame = (thrown: unknown, field: string): unknown =>
  thrown instanceof EngineError &&
  thrown.code === 'invalid-request' &&
  thrown.details['parameter'] === undefined
    ? new EngineError('invalid-request', thrown.message, {
        details: { ...thrown.details, parameter: field },
      })
    : thrown

/**
 * What a request holds its answer to: `response_format` in the place of the same kind in
 * `structured_outputs`, and one kind alone. Null for nothing.
 *
 * @throws EngineError a 400 that names the field.
 */
export const readConstraint = (request: StructuredRequest): RequestedConstraint | null => {
  const fromFormat = fromResponseFormat(request.response_format)
  const outputs = { ...request.structured_outputs, ...fromFormat }
  checkOneKind(outputs)
  const field = Object.keys(fromFormat).length > 0 ? 'response_format' : 'structured_outputs'
  try {
    const constraint = toConstraint(outputs)
    return constraint && { constraint, field }
  } catch (thrown) {
    throw blame(thrown, field)
  }
}
