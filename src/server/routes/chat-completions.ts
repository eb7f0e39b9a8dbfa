import type { SamplingParams } from '../../engine/sampling-params.ts'
import { createOutputParser, type OutputParser } from '../../parsers/output-parser.ts'
import { type AnswerForm, bothMasks, createFormMask, prepareAnswerForm } from '../answer-form.ts'
import { contentText } from '../chat-messages.ts'
import { chatChunks, chatCompletion, type ChatReply } from '../chat-reply.ts'
import type { ChoiceSet } from '../choice-set.ts'
import { invalidRequest } from '../errors.ts'
import { createChatLogprobs } from '../logprobs.ts'
import { chatLogprobs, numListed } from '../logprobs-request.ts'
import { encodePrompts } from '../prompt-tokens.ts'
import { createReasoningCounter } from '../reasoning-counter.ts'
import { renderChat } from '../render-chat.ts'
import { startReplyChoices } from '../reply-choices.ts'
import { createReplyHead, type ReplyHead } from '../reply.ts'
import { readJsonBody } from '../request-body.ts'
import { respond } from '../respond.ts'
import { checkModelName, type Route, type RouteContext } from '../route.ts'
import { checkMinTokens, type RequestedTokens, toSamplingParams } from '../sampling-request.ts'
import type { ServedModel } from '../served-model.ts'
import { specialTokens } from '../special-tokens.ts'
import { readConstraint } from '../structured-output.ts'
import { replyFormat } from '../text-stream.ts'
import { createThinkingMask, readThinkingBudget } from '../thinking-budget.ts'
import { hasCallSyntax, toolConstraint } from '../tool-constraint.ts'
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
  if (model.toolParser) return
  if (body.toolChoice === 'auto') {
    throw invalidRequest(
      '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
    )
  }
  if (body.toolChoice === 'none') return
  const choice =
    body.toolChoice === 'required'
      ? '"required"'
      : `function ${JSON.stringify(body.toolChoice.function.name)}`
  throw invalidRequest(`tool_choice=${choice} requires --tool-call-parser to be set`)
}

/** gpt-oss has no way not to think. */
const checkEffort = (model: ServedModel, body: ChatRequest) => {
  if (model.reasoningParser !== 'openai_gptoss' || body.reasoning_effort !== 'none') return
  throw invalidRequest("Harmony does not support reasoning_effort='none'", 'reasoning_effort')
}

/** What the answer is held to: calls that the request insists on, before all else. */
const requestedForm = (model: ServedModel, body: ChatRequest) => {
  const { toolChoice } = body
  if (toolChoice === 'auto' || toolChoice === 'none') {
    const requested = readConstraint(body)
    return requested && { requested, callsTools: false }
  }
  const constraint = toolConstraint({
    toolChoice,
    tools: body.tools ?? [],
    toolParser: model.toolParser,
    single: body.parallel_tool_calls === false,
  })
  return { requested: { constraint, field: 'tools' }, callsTools: true }
}

type AnswerStart = { readonly prompt: string; readonly form: AnswerForm | null }

const createPlainParser = (
  model: ServedModel,
  body: ChatRequest,
  { prompt, form }: AnswerStart,
): OutputParser =>
  createOutputParser({
    toolParser: model.toolParser,
    reasoningParser: model.reasoningParser,
    tools: body.tools ?? [],
    toolChoice: body.toolChoice,
    guided: !hasCallSyntax(model.toolParser),
    chatTemplateKwargs: templateKwargs(body),
    promptTail: prompt,
    specialTokens: specialTokens(model.tokenizer),
    skipSpecialTokens: body.skip_special_tokens ?? true,
    // A grammar holds the answer to a text: its markers may be spelled from any tokens.
    ...(form === null && { addedTokens: model.tokenizer.addedTokens }),
  })

const createParser = (model: ServedModel, body: ChatRequest, start: AnswerStart) => {
  const { reasoningParser, tokenizer } = model
  const parser = createPlainParser(model, body, start)
  if (reasoningParser === null) return parser
  return createReasoningCounter(parser, reasoningParser, tokenizer) ?? parser
}

/** The answer takes up the role of the final message where no new one is opened. */
const replyRole = (body: ChatRequest): string => {
  const finalRole = body.messages.at(-1)?.['role']
  const opensMessage = body.add_generation_prompt ?? !body.continue_final_message
  return opensMessage || typeof finalRole !== 'string' ? 'assistant' : finalRole
}

const echoedText = (body: ChatRequest, role: string): string | null =>
  body.echo && body.messages.at(-1)?.['role'] === role
    ? contentText(body.messages.at(-1)?.['content']) || null
    : null

/** Parsers need the special tokens, which are their markers. */
const needsMarkers = (model: ServedModel, body: ChatRequest): boolean =>
  body.toolChoice !== 'none' || model.reasoningParser !== null

/** In vLLM a model's parsers see to every answer, also where no tool can be called. */
const hasParser = ({ toolParser, reasoningParser }: ServedModel): boolean =>
  toolParser !== null || reasoningParser !== null

/** What the tokens of hidden reasoning tell would give it away. */
const hidesTokens = (model: ServedModel, body: ChatRequest): boolean =>
  body.include_reasoning === false && hasParser(model)

const callsEnd = ({ toolChoice }: ChatRequest): ChatReply['callsEnd'] => {
  if (typeof toolChoice === 'object') return 'never'
  return toolChoice === 'required' ? 'when-complete' : 'always'
}

const createReply = (
  { model, metrics }: RouteContext,
  body: ChatRequest,
  running: Pick<ChoiceSet, 'outputs'> & { readonly head: ReplyHead; readonly prompt: string },
  numTop: number | null,
): ChatReply => {
  const { tokenizer, toolParser } = model
  const { head, outputs, prompt } = running
  const role = replyRole(body)
  const asTokenIds = body.return_tokens_as_token_ids ?? false
  return {
    ...head,
    outputs:
      body.toolChoice === 'none' ? outputs : countToolCalls(outputs, metrics, toolParser ?? 'json'),
    role,
    echoed: echoedText(body, role),
    includeReasoning: body.include_reasoning ?? true,
    parallelToolCalls: body.parallel_tool_calls ?? true,
    callsEnd: callsEnd(body),
    hasParser: hasParser(model),
    mayThink: model.reasoningParser !== null,
    returnPromptTokenIds: body.return_token_ids ?? false,
    returnTokenIds: (body.return_token_ids ?? false) && !hidesTokens(model, body),
    promptText: body.return_prompt_text ? prompt : null,
    createLogprobs:
      numTop === null ? null : () => createChatLogprobs({ tokenizer, asTokenIds, numTop }),
  }
}

const prepareForm = async (model: ServedModel, body: ChatRequest, prompt: string) => {
  const asked = requestedForm(model, body)
  if (!asked) return null
  const { requested, callsTools } = asked
  const chat = { prompt, kwargs: templateKwargs(body), callsTools }
  return prepareAnswerForm({ model, requested, body, chat })
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
export const startChat = async (
  context: RouteContext,
  body: ChatRequest,
  requested: RequestedTokens | null = requestedTokens(body),
): Promise<RunningChat> => {
  const { model, request } = context
  const { engine } = model
  checkModelName(context, body)
  checkToolParser(model, body)
  checkEffort(model, body)

  const asked = chatLogprobs(body, engine.vocabSize)
  const hidden = { ...asked, logprobs: null, logprobTokenIds: null }
  const logprobs = hidesTokens(model, body) ? hidden : asked
  const params = toSamplingParams({ request: body, model, requested, logprobs })
  const { prompt, tokenIds } = encodeChat(model, body, requested)
  checkMinTokens(params, tokenIds.length, engine.maxModelLen)
  const budget = readThinkingBudget(body, model, params)
  const form = await prepareForm(model, body, prompt)
  request.signal.throwIfAborted()
  const start: AnswerStart = { prompt, form }
  const createMask = () =>
    bothMasks(
      form && createFormMask(form),
      budget && createThinkingMask(budget, createPlainParser(model, body, start)),
    )

  const head = createReplyHead('chatcmpl', context, body, [tokenIds])
  const choices = startReplyChoices({
    context,
    body,
    replyId: head.id,
    params,
    prompts: [tokenIds],
    createParser: () => createParser(model, body, start),
    createMask,
    skipSpecialTokens: !needsMarkers(model, body) && (body.skip_special_tokens ?? true),
  })
  const { outputs } = choices
  const reply = createReply(context, body, { head, outputs, prompt }, numListed(logprobs))
  return { choices, reply, params }
}

export const chatCompletions: Route = async (context) => {
  const { metrics, request } = context
  const body = parseChatRequest(await readJsonBody(request))
  request.signal.throwIfAborted()
  const format = replyFormat(request, body)
  const { choices, reply } = await startChat(context, body)
  return respond({
    choices,
    signal: request.signal,
    ...format,
    metrics,
    chunks: () => chatChunks(reply),
    whole: () => chatCompletion(reply),
  })
}
