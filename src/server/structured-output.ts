import * as v from 'valibot'
import type { Constraint, JsonOptions } from '../grammar/constraint.ts'
import { readSchema } from '../grammar/constraint.ts'
import { EngineError } from '../errors.ts'
import { invalidParameter, invalidRequest } from './errors.ts'
import {
  boolean,
  dataObject,
  list,
  object,
  oneOf,
  openObject,
  pythonRepr,
  record,
  string,
} from './lax-types.ts'

/** The fields of a request that hold its answer to a form. */
export const structuredEntries = {
  response_format: v.nullish(
    object({
      type: oneOf(['text', 'json_object', 'json_schema', 'structural_tag']),
      json_schema: v.nullish(
        openObject({
          name: string,
          description: v.nullish(string),
          schema: v.nullish(record),
          strict: v.nullish(boolean),
        }),
      ),
      format: v.nullish(v.unknown()),
      structures: v.nullish(v.unknown()),
      triggers: v.nullish(v.unknown()),
    }),
  ),
  structured_outputs: v.nullish(
    dataObject('StructuredOutputsParams', {
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
    case 'json_schema':
      return { json: format.json_schema?.schema ?? null }
    case 'structural_tag': {
      const { structures, triggers } = format
      const isOlder = structures !== undefined
      return { structural_tag: isOlder ? { structures, triggers } : { format: format.format } }
    }
    default:
      return {}
  }
}

/** All fields, as vLLM lists them in its messages. */
const listed = (outputs: StructuredOutputs): string =>
  pythonRepr({
    json: outputs.json,
    regex: outputs.regex,
    choice: outputs.choice,
    grammar: outputs.grammar,
    json_object: outputs.json_object,
    disable_any_whitespace: outputs.disable_any_whitespace ?? false,
    disable_additional_properties: outputs.disable_additional_properties ?? false,
    whitespace_pattern: outputs.whitespace_pattern,
    structural_tag: outputs.structural_tag,
  })

const checkOneKind = (outputs: StructuredOutputs) => {
  const count = kinds.filter((kind) => outputs[kind] != null).length
  if (count === 1) return
  throw invalidRequest(
    count === 0
      ? 'You must use one kind of structured outputs constraint but none are specified: ' +
          listed(outputs)
      : 'You can only use one kind of structured outputs constraint but multiple are specified: ' +
          listed(outputs),
  )
}

const refuse = (message: string) => invalidRequest(message, 'structured_outputs')

/** @throws EngineError in vLLM's words for a constraint that says nothing. */
const checkNotEmpty = ({ json, choice, grammar, json_object: isObject }: StructuredOutputs) => {
  if (choice?.length === 0) throw refuse("Choice '[]' cannot be an empty list")
  if (grammar?.trim() === '') throw refuse('structured_outputs.grammar cannot be an empty string')
  if (typeof json === 'string' && json.trim() === '') {
    throw refuse('structured_outputs.json cannot be an empty string')
  }
  if (isObject !== false) return
  throw refuse(
    'structured_outputs.json_object must be True if set; omit structured_outputs to disable ' +
      'structured outputs',
  )
}

const parseTag = (tag: unknown): unknown => {
  if (typeof tag !== 'string') return tag
  try {
    return JSON.parse(tag)
  } catch {
    throw invalidParameter(
      'Invalid structured_outputs structural_tag specification.',
      'structured_outputs',
    )
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
  return choice == null ? null : { kind: 'choice', choices: choice }
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
  const { response_format: format, structured_outputs: given } = request
  if (given) checkOneKind(given)
  const hasFormat = format != null && format.type !== 'text'
  if (!given && !hasFormat) return null
  const outputs = { ...given, ...fromResponseFormat(format) }
  checkOneKind(outputs)
  checkNotEmpty(outputs)
  const field = hasFormat ? 'response_format' : 'structured_outputs'
  try {
    const constraint = toConstraint(outputs)
    return constraint && { constraint, field }
  } catch (thrown) {
    throw blame(thrown, field)
  }
}
