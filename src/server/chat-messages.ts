import type { ChatMessage } from '../tokenizer/chat-template.ts'
import { invalidParameter, invalidRequest } from './errors.ts'
import { parseJsonText } from './json-text.ts'

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The field that holds the text of each kind of content part. */
const textFields: Readonly<Record<string, string>> = {
  text: 'text',
  input_text: 'text',
  output_text: 'text',
  refusal: 'refusal',
  thinking: 'thinking',
}

const mediaParts = [
  'image_url',
  'input_image',
  'image_embeds',
  'image_pil',
  'input_audio',
  'audio_url',
  'audio_embeds',
  'video_url',
  'prompt_embeds',
  'tool_reference',
]

const supportedParts = Object.keys(textFields).join(', ')

const partText = (part: unknown): string => {
  if (typeof part === 'string') return part
  if (!isFields(part)) throw invalidRequest('Each content part must be an object.', 'messages')
  const type =
    typeof part['type'] === 'string' ? part['type'] : 'text' in part ? 'text' : 'undefined'
  if (mediaParts.includes(type)) {
    throw invalidRequest(
      `Content parts of type '${type}' are not supported by this version, which reads text alone. ` +
        `Supported types: ${supportedParts}.`,
      'messages',
    )
  }
  const field = textFields[type]
  if (field === undefined) {
    throw invalidRequest(
      `Unsupported chat content part type: '${type}'. Supported types: ${supportedParts}.`,
      'messages',
    )
  }
  const text = part[field]
  if (typeof text !== 'string') {
    throw invalidRequest(
      `A content part of type '${type}' needs a string \`${field}\`.`,
      'messages',
    )
  }
  return text
}

/** The text of a message's content; its parts are joined by line feeds. */
export const contentText = (content: unknown): string => {
  if (Array.isArray(content)) return content.map(partText).join('\n')
  return typeof content === 'string' ? content : ''
}

/** How a template reads `content`: as a string, as a list of parts, or as whichever it is given. */
type ContentStyle = 'string' | 'parts' | 'either'

const contentStyle = (templateSource: string): ContentStyle => {
  const loopsOverParts = /\{%-?\s*for\s+\w+\s+in\s+[\w.['"\]]*content\b/.test(templateSource)
  if (!loopsOverParts) return 'string'
  return /content['"\]]*\s+is\s+string/.test(templateSource) ? 'either' : 'parts'
}

const toContent = (content: unknown, style: ContentStyle): unknown => {
  if (content !== null && typeof content !== 'string' && !Array.isArray(content)) {
    throw invalidRequest('`content` must be a string or a list of content parts.', 'messages')
  }
  if (style === 'string' || (style === 'either' && !Array.isArray(content))) {
    return contentText(content)
  }
  const parts: unknown[] = Array.isArray(content) ? content : content === null ? [] : [content]
  return parts.map((part) => ({ type: 'text', text: partText(part) }))
}

const parseArguments = (given: unknown): unknown => {
  if (given === undefined || given === null || given === '') return {}
  if (typeof given !== 'string') return given
  try {
    return parseJsonText(given)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw invalidRequest(
      `The \`arguments\` of a tool call in \`messages\` are not valid JSON: ${reason}`,
      'messages',
    )
  }
}

const toToolCall = (call: unknown): Fields => {
  if (isFields(call) && (call['type'] ?? 'function') !== 'function') {
    throw invalidParameter(
      "chat completions only support assistant tool_calls of type 'function'.",
      'tool_calls',
    )
  }
  if (!isFields(call) || !isFields(call['function'])) {
    throw invalidRequest('Each tool call in `messages` needs a `function`.', 'messages')
  }
  const { function: called } = call
  return { ...call, function: { ...called, arguments: parseArguments(called['arguments']) } }
}

const toChatMessage = (message: Fields, style: ContentStyle): ChatMessage => {
  const { role, content, tool_calls: toolCalls, reasoning_content: oldName, ...rest } = message
  if (typeof role !== 'string') {
    throw invalidRequest('Each message needs a `role`, such as "user".', 'messages')
  }
  if (toolCalls !== undefined && toolCalls !== null && !Array.isArray(toolCalls)) {
    throw invalidRequest('`tool_calls` must be a list.', 'messages')
  }
  const reasoning = rest['reasoning'] ?? oldName
  return {
    role,
    content: toContent(content ?? null, style),
    ...rest,
    ...(reasoning == null ? {} : { reasoning }),
    ...(toolCalls?.length ? { tool_calls: toolCalls.map(toToolCall) } : {}),
  }
}

/**
 * A request's messages as the chat template reads them: text parts joined by line feeds for
 * templates that want strings, the arguments of tool calls as objects, reasoning by one name.
 *
 * @throws EngineError a 400 for content that is no text and for messages of a wrong shape.
 */
export const toChatMessages = (
  messages: readonly Fields[],
  templateSource: string,
): ChatMessage[] => {
  const style = contentStyle(templateSource)
  return messages.map((message) => toChatMessage(message, style))
}
