import { invalidRequest } from '../errors.ts'

type Fields = Readonly<Record<string, unknown>>

export type AnthropicMessage = {
  readonly role: 'user' | 'assistant' | 'system'
  readonly content: unknown
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Passed over: `data` is sealed, and a reference is told where its result is. */
const silentBlocks = ['redacted_thinking', 'tool_reference']
const supportedBlocks = ['text', 'thinking', 'tool_use', 'tool_result', ...silentBlocks]

const toBlocks = (content: unknown): readonly Fields[] => {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (!Array.isArray(content) || !content.every(isFields)) {
    throw invalidRequest('`content` must be a string or a list of content blocks.', 'messages')
  }
  return content
}

const refuseBlock = ({ type }: Fields): never => {
  const reason = type === 'image' ? 'are not supported by this version' : 'are unknown'
  throw invalidRequest(
    `Content blocks of type '${String(type)}' ${reason}. ` +
      `Supported types: ${supportedBlocks.join(', ')}.`,
    'messages',
  )
}

const resultText = (content: unknown): string => {
  if (content == null) return ''
  return toBlocks(content)
    .filter(({ type }) => type !== 'tool_reference')
    .map((block) => (block['type'] === 'text' ? textOf(block['text']) : refuseBlock(block)))
    .join('\n')
}

const toToolCall = ({ id, name, input }: Fields): object => ({
  id: textOf(id),
  type: 'function',
  function: { name: textOf(name), arguments: input ?? {} },
})

/** What the blocks of one message add up to. */
type Parts = {
  readonly texts: string[]
  readonly thoughts: string[]
  readonly calls: object[]
  readonly results: Fields[]
}

const addBlock = (parts: Parts, role: string, block: Fields) => {
  const { type, text, thinking, content } = block
  if (type === 'text') {
    if (text) parts.texts.push(textOf(text))
  } else if (type === 'thinking') parts.thoughts.push(textOf(thinking))
  else if (type === 'tool_use') parts.calls.push(toToolCall(block))
  else if (type === 'tool_result' && role === 'user') {
    const id = textOf(block['tool_use_id'])
    parts.results.push({ role: 'tool', tool_call_id: id, content: resultText(content) })
  } else if (type === 'tool_result') parts.texts.push(`Tool result: ${resultText(content)}`)
  else if (typeof type !== 'string' || !silentBlocks.includes(type)) refuseBlock(block)
}

const toContent = (texts: readonly string[]): unknown =>
  texts.length === 1 ? texts[0] : texts.map((text) => ({ type: 'text', text }))

/** The results of tools stand before what the user says besides. */
const toMessages = ({ role, content }: AnthropicMessage): Fields[] => {
  if (typeof content === 'string') return [{ role, content }]
  const parts: Parts = { texts: [], thoughts: [], calls: [], results: [] }
  for (const block of toBlocks(content)) addBlock(parts, role, block)
  const { texts, thoughts, calls, results } = parts
  if (role === 'user' && texts.length === 0) return results
  const message = {
    role,
    ...(texts.length > 0 ? { content: toContent(texts) } : {}),
    ...(thoughts.length > 0 ? { reasoning: thoughts.join('') } : {}),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  }
  return [...results, message]
}

/** Claude Code's first block differs with each request, and would keep prompts from being shared. */
const isBilling = (text: string): boolean => text.startsWith('x-anthropic-billing-header')

const systemTexts = (content: unknown): string[] => {
  if (content == null) return []
  if (typeof content === 'string') return [content]
  return toBlocks(content)
    .map(({ text }) => textOf(text))
    .filter((text) => !isBilling(text))
}

/**
 * Anthropic's system prompt and messages as chat messages. Those of role system go into the system
 * prompt.
 *
 * @throws EngineError a 400 for blocks that have no place in a chat.
 */
export const toChatMessages = (
  system: unknown,
  messages: readonly AnthropicMessage[],
): readonly Fields[] => {
  const within = messages.filter(({ role }) => role === 'system')
  const prompt = [system, ...within.map(({ content }) => content)].flatMap(systemTexts).join('')
  const others = messages.filter(({ role }) => role !== 'system').flatMap(toMessages)
  return prompt === '' ? others : [{ role: 'system', content: prompt }, ...others]
}
