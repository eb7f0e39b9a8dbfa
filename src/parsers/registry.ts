import { EngineError } from '../errors.ts'
import { createChannelledCallsParser } from './grammars/channelled-calls.ts'
import { createEitherParser } from './grammars/either-calls.ts'
import { createMarkedCallsParser } from './grammars/marked-calls.ts'
import type { FirstMessage } from './grammars/message-reader.ts'
import type { OutputWriter, ToolCallParser } from './grammars/output-writer.ts'
import { createTaggedCallsParser } from './grammars/tagged-calls.ts'
import { reasoningFormats, type ReasoningFormat } from './reasoning-formats.ts'
import { inVocabulary } from './suffixed-tags.ts'
import { toolFormats, type ToolFormat } from './tool-formats.ts'
import type { ToolSchemas } from './tool-schemas.ts'

/** The names that `toolParser` takes. */
export const toolParserNames: readonly string[] = Object.keys(toolFormats)
/** The names that `reasoningParser` takes. */
export const reasoningParserNames: readonly string[] = Object.keys(reasoningFormats)

const look = <Format>(
  formats: Readonly<Record<string, Format>>,
  name: string,
  option: string,
): Format => {
  const format = Object.hasOwn(formats, name) ? formats[name] : undefined
  if (format !== undefined) return format
  throw new EngineError(
    'invalid-request',
    `${option}: there is no parser "${name}". Choose one of: ${Object.keys(formats).join(', ')}.`,
    { details: { parameter: option, name } },
  )
}

/** `tokens`: those of the vocabulary that are never parts of words; they may spell tags otherwise. */
export const findToolFormat = (name: string, tokens: Iterable<string> = []): ToolFormat =>
  inVocabulary(look(toolFormats, name, 'toolParser'), tokens)

export const findReasoningFormat = (name: string, tokens: Iterable<string> = []): ReasoningFormat =>
  inVocabulary(look(reasoningFormats, name, 'reasoningParser'), tokens)

/**
 * Starts the interpreter of a format's kind. `outside` tells formats in messages whether a reasoning
 * parser read them before, and what the prompt began.
 */
export const createToolCallParser = (
  format: ToolFormat,
  writer: OutputWriter,
  schemas: ToolSchemas,
  outside: { readonly inMessages: boolean; readonly first: FirstMessage },
): ToolCallParser => {
  switch (format.kind) {
    case 'marked-calls':
      return createMarkedCallsParser(format, writer, schemas)
    case 'tagged-calls':
      return createTaggedCallsParser(format, writer, schemas)
    case 'either-calls':
      return createEitherParser(format.marker, writer, {
        json: createMarkedCallsParser(format.json, writer, schemas),
        tagged: createTaggedCallsParser(format.tagged, writer, schemas),
      })
    case 'channelled-calls':
      return createChannelledCallsParser(format, writer, { schemas, ...outside })
  }
}

/** Every text in a format's data, the literals that it gives a meaning to among them. */
export const textsOf = (data: unknown): readonly string[] => {
  if (typeof data === 'string') return [data]
  return typeof data === 'object' && data !== null ? Object.values(data).flatMap(textsOf) : []
}
