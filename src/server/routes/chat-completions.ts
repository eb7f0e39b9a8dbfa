import { createOutputParser } from '../../parsers/output-parser.ts'
import { toChatMessages } from '../chat-messages.ts'
import { chatChunks, chatCompletion, type ChatReply } from '../chat-reply.ts'
import type { ChoiceSet } from '../choice-set.ts'
import { invalidRequest } from '../errors.ts'
import { createChatLogprobs } from '../logprobs.ts'
import { chatLogprobs } from '../logprobs-request.ts'
import { createReasoningCounter } from '../reasoning-counter.ts'
import { startReplyChoices } from '../reply-choices.ts'
import { createReplyHead, type ReplyHead } from '../reply.ts'
import { readJsonBody } from '../request-body.ts'
import { respond } from '../respond.ts'
import { checkModelName, type Route, type RouteContext } from '../route.ts'
import { checkContextLength, type RequestedTokens, toSamplingParams } from '../sampling-request.ts'
import type { ServedModel } from '../served-model.ts'
import { countToolCalls } from '../tool-call-counter.ts'
import { type ChatRequest, parseChatRequest } from '../validation.ts'
import { removeMarks } from '../../tokenizer/literal-marks.ts'

const requestedTokens = (body: ChatRequest): RequestedTokens | null => {
  if (body.max_completion_tokens != null) {
    return { field: 'max_completion_tokens', count: body.max_completion_tokens }
  }
  return body.max_tokens == null ? null : { field: 'max_tokens', count: body.max_tokens }
}

/** The template's extra variables: an effort also switches thinking, unless that is given. */
const templateKwargs = (body: ChatRequest): Readonly<Record<string, unknown>> => {
  const effort = body.reasoning_effort
  if (effort == null) return body.chat_template_kwargs ?? {}
  return {
    reasoning_effort: effort,
    enable_thinking: effort !== 'none',
    ...body.chat_template_kwargs,
  }
}

const renderPrompt = (model: ServedModel, body: ChatRequest): string => {
  if (!model.chatTemplate) {
    throw invalidRequest(
      'This model has no chat template, so it can only serve /v1/completions. ' +
        'Load a chat model, or one whose tokenizer_config.json has a chat_template.',
    )
  }
  const continueFinalMessage = body.continue_final_message ?? false
  return model.chatTemplate.render({
    messages: toChatMessages(body.messages, model.chatTemplate.source),
    ...(body.tools ? { tools: body.tools } : {}),
    ...(body.documents ? { documents: body.documents } : {}),
    addGenerationPrompt: body.add_generation_prompt ?? !continueFinalMessage,
    continueFinalMessage,
    literalTokens: specialTokens(model),
    kwargs: templateKwargs(body),
  })
}

const checkToolParser = (model: ServedModel, body: ChatRequest) => {
  if (body.toolChoice === 'auto' && !model.toolParser) {
    throw invalidRequest(
      '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
    )
  }
}

const specialTokens = ({ tokenizer }: ServedModel): string[] =>
  [...tokenizer.addedTokens].filter(([, { special }]) => special).map(([text]) => text)

const createParser = (model: ServedModel, body: ChatRequest, promptTail: string) => {
  const { reasoningParser, tokenizer } = model
  const parser = createOutputParser({
    toolParser: body.toolChoice === 'auto' ? model.toolParser : null,
    reasoningParser,
    tools: body.tools ?? [],
    toolChoice: body.toolChoice,
    chatTemplateKwargs: templateKwargs(body),
    promptTail,
    specialTokens: specialTokens(model),
  })
  if (reasoningParser === null) return parser
  return createReasoningCounter(parser, reasoningParser, tokenizer) ?? parser
}

const finalMessageText = (body: ChatRequest): string | null => {
  const content = body.messages.at(-1)?.['content']
  return typeof content === 'string' && content !== '' ? content : null
}

/** The answer takes up the role of the final message where no new one is opened. */
const replyRole = (body: ChatRequest): string => {
  const finalRole = body.messages.at(-1)?.['role']
  const opensMessage = body.add_generation_prompt ?? !body.continue_final_message
  return opensMessage || typeof finalRole !== 'string' ? 'assistant' : finalRole
}

const echoedText = (body: ChatRequest, role: string): string | null =>
  body.echo && body.messages.at(-1)?.['role'] === role ? finalMessageText(body) : null

/** Parsers need the special tokens, which are their markers. */
const hasParser = (model: ServedModel, body: ChatRequest): boolean =>
  body.toolChoice === 'auto' || model.reasoningParser !== null

const createReply = (
  { model, metrics }: RouteContext,
  body: ChatRequest,
  running: { readonly head: ReplyHead; readonly outputs: ChoiceSet['outputs'] },
  numTop: number | null,
): ChatReply => {
  const { tokenizer, toolParser } = model
  const { head, outputs } = running
  const callsTools = body.toolChoice === 'auto' && toolParser !== null
  const role = replyRole(body)
  const asTokenIds = body.return_tokens_as_token_ids ?? false
  return {
    ...head,
    outputs: callsTools ? countToolCalls(outputs, metrics, toolParser) : outputs,
    role,
    echoed: echoedText(body, role),
    includeReasoning: body.include_reasoning ?? true,
    parallelToolCalls: body.parallel_tool_calls ?? true,
    hasParser: hasParser(model, body),
    createLogprobs:
      numTop === null ? null : () => createChatLogprobs({ tokenizer, asTokenIds, numTop }),
  }
}

export const chatCompletions: Route = async (context) => {
  const { model, metrics, request } = context
  const { engine, tokenizer } = model
  const body = parseChatRequest(await readJsonBody(request))
  request.signal.throwIfAborted()
  checkModelName(context, body)
  checkToolParser(model, body)

  const requested = requestedTokens(body)
  const logprobs = chatLogprobs(body, engine.vocabSize)
  const params = toSamplingParams({ request: body, model, requested, logprobs })
  const prompt = renderPrompt(model, body)
  const addSpecialTokens = body.add_special_tokens ?? false
  const promptTokenIds = tokenizer.encode(prompt, { addSpecialTokens, marked: true })
  checkContextLength(promptTokenIds.length, requested, engine.maxModelLen)

  const head = createReplyHead('chatcmpl', context, body, [promptTokenIds])
  const choices = startReplyChoices({
    context,
    body,
    replyId: head.id,
    params,
    prompts: [promptTokenIds],
    createParser: () => createParser(model, body, removeMarks(prompt)),
    skipSpecialTokens: !hasParser(model, body) && (body.skip_special_tokens ?? true),
  })
  const { outputs } = choices
  const reply = createReply(context, body, { head, outputs }, logprobs.logprobs)
  return respond({
    choices,
    signal: request.signal,
    stream: body.stream ?? false,
    metrics,
    chunks: () => chatChunks(reply),
    whole: () => chatCompletion(reply),
  })
}
