import { toChatMessages } from './chat-messages.ts'
import { settleDeveloperRole } from './developer-role.ts'
import { invalidRequest } from './errors.ts'
import type { AnyServedModel } from './served-model.ts'
import { specialTokens } from './special-tokens.ts'

type Fields = Readonly<Record<string, unknown>>

type GenerationPrompt = {
  readonly add_generation_prompt?: boolean | null | undefined
  readonly continue_final_message?: boolean | null | undefined
}

export type ChatInput = GenerationPrompt & {
  readonly messages: readonly Fields[]
  readonly tools?: readonly unknown[] | null | undefined
  readonly documents?: readonly unknown[] | null | undefined
  /** Opens the answer where the request does not say, unless the final message goes on. */
  readonly addsGenerationPrompt: boolean
  /** The template's extra variables. */
  readonly kwargs: Fields
}

/**
 * A chat as the model reads it, with the marks of `literalTokens`: special tokens that users spell
 * stay text.
 *
 * @throws EngineError a 400 for a model without a chat template and for what the template refuses.
 */
export const renderChat = (
  { chatTemplate, tokenizer, task }: AnyServedModel,
  chat: ChatInput,
): string => {
  if (!chatTemplate) {
    const other = task === 'embed' ? 'embed `input`' : 'serve /v1/completions'
    throw invalidRequest(
      `This model has no chat template, so it can only ${other}. ` +
        'Load a chat model, or one whose tokenizer_config.json has a chat_template.',
      'messages',
    )
  }
  if (chat.messages.length === 0) {
    throw invalidRequest(
      'Cannot apply chat template to an empty conversation. Provide at least one message.',
      'messages',
    )
  }
  const continueFinalMessage = chat.continue_final_message ?? false
  const addsByDefault = chat.addsGenerationPrompt && !continueFinalMessage
  const { source } = chatTemplate
  return chatTemplate.render({
    messages: toChatMessages(settleDeveloperRole(chat.messages, source), source),
    ...(chat.tools ? { tools: chat.tools } : {}),
    ...(chat.documents ? { documents: chat.documents } : {}),
    addGenerationPrompt: chat.add_generation_prompt ?? addsByDefault,
    continueFinalMessage,
    literalTokens: specialTokens(tokenizer),
    kwargs: chat.kwargs,
  })
}
