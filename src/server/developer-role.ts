import { contentText } from './chat-messages.ts'

type Message = Readonly<Record<string, unknown>>

const namesDeveloper = /["']developer["']/

const asSystem = (message: Message): Message => {
  if (message['role'] !== 'developer') return message
  const { tools: _, ...rest } = message
  return { ...rest, role: 'system' }
}

const isSystem = (message: Message): boolean => message['role'] === 'system'

/** One system message, at the start: some templates take no other. */
const withOneSystemMessage = (messages: readonly Message[]): readonly Message[] => {
  if (messages.findLastIndex(isSystem) < 1) return messages
  const texts = messages.filter(isSystem).map((message) => contentText(message['content']))
  const content = texts.filter((text) => text !== '').join('\n\n')
  return [{ role: 'system', content }, ...messages.filter((message) => !isSystem(message))]
}

/**
 * vLLM's rule for OpenAI's newer name of the system role, which most templates do not know: they would
 * drop the message, or refuse the request.
 *
 * @throws EngineError a 400 for content that is no text, where system messages become one.
 */
export const settleDeveloperRole = (
  messages: readonly Message[],
  templateSource: string,
): readonly Message[] => {
  const isUsed = messages.some((message) => message['role'] === 'developer')
  if (!isUsed || namesDeveloper.test(templateSource)) return messages
  return withOneSystemMessage(messages.map(asSystem))
}
