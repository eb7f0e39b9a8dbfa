import * as v from 'valibot'
import { boolean, list, object, parseBody, record, string } from '../lax-types.ts'
import { checkGenerationPrompt, renderChat } from '../render-chat.ts'
import { readJsonBody } from '../request-body.ts'
import { checkModelName, type Route } from '../route.ts'
import type { AnyServedModel } from '../served-model.ts'
import { refuseChatTemplate } from '../unsupported-fields.ts'
import { readTools } from '../validation.ts'

const commonEntries = {
  model: v.nullish(string),
  add_special_tokens: v.nullish(boolean),
  return_token_strs: v.nullish(boolean),
}

const completionSchema = object({ ...commonEntries, prompt: string })

const chatSchema = object({
  ...commonEntries,
  messages: list(record),
  add_generation_prompt: v.nullish(boolean),
  continue_final_message: v.nullish(boolean),
  chat_template: v.nullish(string),
  chat_template_kwargs: v.nullish(record),
  tools: v.nullish(list(record)),
})

const tokenizeChat = (model: AnyServedModel, given: unknown) => {
  const body = parseBody(chatSchema, given)
  checkGenerationPrompt(body)
  refuseChatTemplate(body)
  const prompt = renderChat(model, {
    ...body,
    tools: readTools(body.tools),
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
