import type { SamplingParams } from '../../engine/sampling-params.ts'
import { createOutputParser } from '../../parsers/output-parser.ts'
import { chatChunks, chatCompletion, type ChatReply } from '../chat-reply.ts'
import type { ChoiceSet } from '../choice-set.ts'
import { invalidRequest } from '../errors.ts'
import { createChatLogprobs } from '../logprobs.ts'
import { chatLogprobs } from '../logprobs-request.ts'
import { encodePrompts } from '../prompt-tokens.ts'
import { createReasoningCounter } from '../reasoning-counter.ts'
import { renderChat } from '../render-chat.ts'
import { startReplyChoices } from '../reply-choices.ts'
import { createReplyHead, type ReplyHead } from '../reply.ts'
import { readJsonBody } from '../request-body.ts'
import { respond } from '../respond.ts'
import { checkModelName, type Route, type RouteContext } from '../route.ts'
import { type RequestedTokens, toSamplingParams } from '../sampling-request.ts'
import type { ServedModel } from '../served-model.ts'
import { specialTokens } from '../special-tokens.ts'
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

const renderPrompt = (model: ServedModel, body: ChatRequest): string =>
  renderChat(model, { ...body, addsGenerationPrompt: true, kwargs: templateKwargs(body) })

const checkToolParser = (model: ServedModel, body: ChatRequest) => {
  if (body.toolChoice === 'auto' && !model.toolParser) {
    throw invalidRequest(
      '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
    )
  }
}

const createParser = (model: ServedModel, body: ChatRequest, promptTail: string) => {
  const { reasoningParser, tokenizer } = model
  const parser = createOutputParser({
    toolParser: body.toolChoice === 'auto' ? model.toolParser : null,
    reasoningParser,
    tools: body.tools ?? [],
    toolChoice: body.toolChoice,
    chatTemplateKwargs: templateKwargs(body),
    promptTail,
    specialTokens: specialTokens(tokenizer),
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
  running: Pick<ChoiceSet, 'outputs'> & { readonly head: ReplyHead; readonly prompt: string },
  numTop: number | null,
): ChatReply => {
  const { tokenizer, toolParser } = model
  const { head, outputs, prompt } = running
  const callsTools = body.toolChoice === 'auto' && toolParser !== null
  const role = replyRole(body)
  const asTokenIds = body.return_tokens_as_token_ids ?? false
  const includeReasoning = body.include_reasoning ?? true
  const isParsed = hasParser(model, body)
  return {
    ...head,
    outputs: callsTools ? countToolCalls(outputs, metrics, toolParser) : outputs,
    role,
    echoed: echoedText(body, role),
    includeReasoning,
    parallelToolCalls: body.parallel_tool_calls ?? true,
    hasParser: isParsed,
    returnPromptTokenIds: body.return_token_ids ?? false,
    // Those of reasoning would give away what is not to be seen.
    returnTokenIds: (body.return_token_ids ?? false) && (includeReasoning || !isParsed),
    promptText: body.return_prompt_text ? prompt : null,
    createLogprobs:
      numTop === null ? null : () => createChatLogprobs({ tokenizer, asTokenIds, numTop }),
  }
}

/** The chat as the model reads it, and its token ids. */
export const encodeChat = (
  model: ServedModel,
  body: ChatRequest,
  requested: RequestedTokens | null,
) => {
  const marked = renderPrompt(model, body)
  const [tokenIds = []] = encodePrompts({
    prompts: [marked],
    body,
    model,
    requested,
    addsSpecialTokens: false,
    marked: true,
  })
  return { prompt: removeMarks(marked), tokenIds }
}

/** A chat whose answer is being made. */
export type RunningChat = {
  readonly choices: ChoiceSet
  readonly reply: ChatReply
  readonly params: SamplingParams
}

/**
 * Starts a chat's answer, whichever protocol the request came by: the only way from there to the
 * engine.
 *
 * @throws EngineError a 400 or 404 in vLLM's words, and what `addRequest` throws.
 */
export const startChat = (
  context: RouteContext,
  body: ChatRequest,
  requested: RequestedTokens | null = requestedTokens(body),
): RunningChat => {
  const { model } = context
  const { engine } = model
  checkModelName(context, body)
  checkToolParser(model, body)

  const logprobs = chatLogprobs(body, engine.vocabSize)
  const params = toSamplingParams({ request: body, model, requested, logprobs })
  const { prompt, tokenIds } = encodeChat(model, body, requested)

  const head = createReplyHead('chatcmpl', context, body, [tokenIds])
  const choices = startReplyChoices({
    context,
    body,
    replyId: head.id,
    params,
    prompts: [tokenIds],
    createParser: () => createParser(model, body, prompt),
    skipSpecialTokens: !hasParser(model, body) && (body.skip_special_tokens ?? true),
  })
  const { outputs } = choices
  const reply = createReply(context, body, { head, outputs, prompt }, logprobs.logprobs)
  return { choices, reply, params }
}

export const chatCompletions: Route = async (context) => {
  const { metrics, request } = context
  const body = parseChatRequest(await readJsonBody(request))
  request.signal.throwIfAborted()
  const { choices, reply } = startChat(context, body)
  return respond({
    choices,
    signal: request.signal,
    stream: body.stream ?? false,
    metrics,
    chunks: () => chatChunks(reply),
    whole: () => chatCompletion(reply),
  })
}
