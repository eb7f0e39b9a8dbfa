import { EngineError } from '../errors.ts'
import { reasoningFormats, toolFormats, type ReasoningFormat, type ToolFormat } from './formats.ts'
import { createMarkedJsonParser } from './grammars/marked-json.ts'
import type { ToolCallParser } from './grammars/output-writer.ts'

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

export const findToolFormat = (name: string): ToolFormat => look(toolFormats, name, 'toolParser')

export const findReasoningFormat = (name: string): ReasoningFormat =>
  look(reasoningFormats, name, 'reasoningParser')

/** Starts the interpreter of a format's kind. */
export const createToolCallParser = (format: ToolFormat, createId: () => string): ToolCallParser =>
  createMarkedJsonParser(format, createId)

/** Every literal that the format gives a meaning to. */
export const markersOf = (format: ToolFormat | ReasoningFormat): readonly string[] =>
  format.kind === 'delimited-reasoning'
    ? [...format.starts, ...format.ends, ...format.endedBy]
    : format.openings.flatMap(({ marker, close }) => (close === null ? [marker] : [marker, close]))
