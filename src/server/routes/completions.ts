import { createOutputParser } from '../../parsers/output-parser.ts'
import type { Tokenizer } from '../../tokenizer/tokenizer.ts'
import { createFormMask, prepareAnswerForm } from '../answer-form.ts'
import type { ChoiceSet } from '../choice-set.ts'
import { completionChunks, type CompletionReply, textCompletion } from '../completion-reply.ts'
import { invalidRequest } from '../errors.ts'
import { createCompletionLogprobs } from '../logprobs.ts'
import { completionLogprobs, numListed } from '../logprobs-request.ts'
import { encodePrompts } from '../prompt-tokens.ts'
import { startReplyChoices } from '../reply-choices.ts'
import { createReplyHead, type ReplyHead } from '../reply.ts'
import { readJsonBody } from '../request-body.ts'
import { respond } from '../respond.ts'
import { checkModelName, type Route } from '../route.ts'
import { toSamplingParams } from '../sampling-request.ts'
import type { ServedModel } from '../served-model.ts'
import { replyFormat } from '../text-stream.ts'
import { readConstraint } from '../structured-output.ts'
import { type CompletionRequest, parseCompletionRequest } from '../validation.ts'

/** OpenAI's default for completions; chat has none. */
const defaultMaxTokens = 16

/** The prompt alone is wanted, though every request generates a token. */
const isPromptOnly = (body: CompletionRequest): boolean =>
  body.echo === true && body.max_tokens === 0

const plainText = () =>
  createOutputParser({
    toolParser: null,
    reasoningParser: null,
    tools: [],
    toolChoice: 'none',
    chatTemplateKwargs: {},
    promptTail: '',
    specialTokens: [],
  })

/** What `echo` puts before each choice: no text where the reply tells the ids, as in vLLM. */
const echoedPrompts = (body: CompletionRequest, tokenizer: Tokenizer): string[] => {
  if (!body.echo) return []
  const textOf = (prompt: CompletionRequest['prompts'][number]) =>
    typeof prompt === 'string' ? prompt : tokenizer.decode(prompt)
  return body.prompts.flatMap((prompt) => {
    const text = body.return_token_ids ? '' : textOf(prompt)
    return Array.from({ length: body.n ?? 1 }, () => text)
  })
}

/** A budget is kept by what reads a chat's answer. */
const checkThinkingBudget = (body: CompletionRequest, { reasoningParser }: ServedModel) => {
  const field = 'thinking_token_budget'
  if ((body.thinking_token_budget ?? -1) === -1) return
  throw invalidRequest(
    reasoningParser === null
      ? `${field} is set but reasoning_config is not configured. Please set --reasoning-parser ` +
          `and/or --reasoning-config to use ${field}.`
      : `\`${field}\` is not supported in completions. Use /v1/chat/completions.`,
    field,
  )
}

const createReply = (
  { tokenizer }: ServedModel,
  body: CompletionRequest,
  running: { readonly head: ReplyHead; readonly outputs: ChoiceSet['outputs'] },
  numTop: number | null,
): CompletionReply => {
  const asTokenIds = body.return_tokens_as_token_ids ?? false
  return {
    ...running.head,
    outputs: running.outputs,
    echoed: echoedPrompts(body, tokenizer),
    promptOnly: isPromptOnly(body),
    returnTokenIds: body.return_token_ids ?? false,
    createLogprobs:
      numTop === null ? null : () => createCompletionLogprobs({ tokenizer, asTokenIds, numTop }),
  }
}

export const completions: Route = async (context) => {
  const { model, metrics, request } = context
  const { engine } = model
  const body = parseCompletionRequest(await readJsonBody(request))
  request.signal.throwIfAborted()
  const format = replyFormat(request, body)
  checkModelName(context, body)
  checkThinkingBudget(body, model)

  const count = isPromptOnly(body) ? 1 : (body.max_tokens ?? defaultMaxTokens)
  const requested = { field: 'max_tokens', count }
  const logprobs = completionLogprobs(body, engine.vocabSize)
  const params = toSamplingParams({ request: body, model, requested, logprobs })
  const prompts = encodePrompts({
    prompts: body.prompts,
    body,
    model,
    requested,
    addsSpecialTokens: true,
    marked: false,
  })

  const asked = readConstraint(body)
  const form = asked && (await prepareAnswerForm({ model, requested: asked, body }))
  request.signal.throwIfAborted()
  const head = createReplyHead('cmpl', context, body, prompts)
  const choices = startReplyChoices({
    context,
    body,
    replyId: head.id,
    params,
    prompts,
    createParser: plainText,
    createMask: () => form && createFormMask(form),
    skipSpecialTokens: body.skip_special_tokens ?? true,
  })
  const { outputs } = choices
  const reply = createReply(model, body, { head, outputs }, numListed(logprobs))
  return respond({
    choices,
    signal: request.signal,
    ...format,
    metrics,
    chunks: () => completionChunks(reply),
    whole: () => textCompletion(reply),
  })
}
