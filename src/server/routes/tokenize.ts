import * as v from 'valibot'
import { checkGenerationPrompt } from '../body-checks.ts'
import { boolean, list, object, parseBody, record, string } from '../lax-types.ts'
import { message } from '../message-schema.ts'
import { renderChat } from '../render-chat.ts'
import { readJsonBody } from '../request-body.ts'
import { checkModelName, type Route } from '../route.ts'
import type { AnyServedModel } from '../served-model.ts'
import { refuseChatTemplate } from '../refused-fields.ts'
import { tools } from '../validation.ts'

const commonEntries = {
  model: v.nullish(string),
  add_special_tokens: v.optional(boolean),
  return_token_strs: v.nullish(boolean),
}

const completionSchema = object({ ...commonEntries, prompt: string })

const chatSchema = object({
  ...commonEntries,
  messages: list(message),
  add_generation_prompt: v.optional(boolean),
  continue_final_message: v.optional(boolean),
  chat_template: v.nullish(string),
  chat_template_kwargs: v.nullish(record),
  tools,
})

const tokenizeChat = (model: AnyServedModel, given: unknown) => {
  checkGenerationPrompt({ ...Object(given) })
  const body = parseBody(chatSchema, given)
  refuseChatTemplate(body)
  refuseChatTemplate(body.chat_template_kwargs ?? {})
  const prompt = renderChat(model, {
    ...body,
    addsGenerationPrompt: true,
    kwargs: body.chat_template_kwargs ?? {},
  })
  const addSpecialTokens = body.add_special_tokens ?? false
  return { body, tokens: model.tokenizer.encode(prompt, { addSpecialTokens, marked: true }) }
}

const tokenizePrompt = ({ tokenizer }: AnyServedModel, given: unknown) => {
  const body = parseBody(completionSchema, given)
  const addSpecialTokens = body.add_special_tokens ?? true
  return { body, tokens: tokenizer.encode(body.prompt, { addSpecialTokens }) }
}

/** Token ids of a text, or of a chat as the model would read it. */
export const tokenize: Route<AnyServedModel> = async (context) => {
  const { model, request } = context
  const given = await readJsonBody(request)
  const isChat = typeof given === 'object' && given !== null && 'messages' in given
  const { body, tokens } = (isChat ? tokenizeChat : tokenizePrompt)(model, given)
  checkModelName(context, body)
  return Response.json({
    count: tokens.length,
    max_model_len: model.engine.maxModelLen,
    tokens,
    token_strs: body.return_token_strs
      ? tokens.map((id) => model.tokenizer.idToToken(id) ?? '')
      : null,
  })
}
