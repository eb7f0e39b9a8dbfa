import { parallelPrompts, type Suggestion } from '../suggestions.ts'
import { createConversation, show, type Conversation } from './conversations.ts'
import { addUserMessage } from './conversations.ts'
import { respond } from './generation.ts'
import { drawer, isNarrow } from './layout.ts'
import { panelSwitch, thinkingSwitch, toolsSwitch } from './settings.ts'

export const trySuggestion = async (
  conversation: Conversation,
  suggestion: Suggestion,
): Promise<void> => {
  toolsSwitch.value = suggestion.tools ? 'on' : 'off'
  thinkingSwitch.value = suggestion.thinking ? 'on' : 'off'
  addUserMessage(conversation, suggestion.text)
  await respond(conversation)
  const last = conversation.messages.peek().at(-1)
  const isAnswered = last?.role === 'assistant' && last.status === 'done'
  if (suggestion.followUp === undefined || !isAnswered) return
  addUserMessage(conversation, suggestion.followUp)
  await respond(conversation)
}

/** Starts several chats at the same moment and shows how the engine shares its steps among them. */
export const runInParallel = (): void => {
  toolsSwitch.value = 'off'
  if (!isNarrow.peek()) panelSwitch.value = 'on'
  drawer.value = null
  const started = parallelPrompts.map((text) => {
    const conversation = createConversation()
    addUserMessage(conversation, text)
    void respond(conversation)
    return conversation.id
  })
  show(...started)
}
