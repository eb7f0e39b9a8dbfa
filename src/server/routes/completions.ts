import { createOutputParser } from '../../parsers/output-parser.ts'
import type { Tokenizer } from '../../tokenizer/tokenizer.ts'
import { startChoices } from '../choice-set.ts'
import { completionChunks, type CompletionReply, textCompletion } from '../completion-reply.ts'
import { startChoice } from '../generation-stream.ts'
import { randomHex } from '../ids.ts'
import { createReplyHead } from '../reply.ts'
import { readJsonBody } from '../request-body.ts'
import { respond } from '../respond.ts'
import { checkModelName, type Route } from '../route.ts'
import { checkContextLength, forChoice, toSamplingParams } from '../sampling-request.ts'
import { type CompletionRequest, parseCompletionRequest } from '../validation.ts'

/** OpenAI's default for completions; chat has none. */
const defaultMaxTokens = 16

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

const toTokenIds = (
  prompt: CompletionRequest['prompts'][number],
  tokenizer: Tokenizer,
  addSpecialTokens: boolean,
): readonly number[] =>
  typeof prompt === 'string' ? tokenizer.encode(prompt, { addSpecialTokens }) : prompt

/** What `echo` puts before each choice. */
const echoedPrompts = (body: CompletionRequest, tokenizer: Tokenizer): string[] => {
  if (!body.echo) return []
  return body.prompts.flatMap((prompt) => {
    const text = typeof prompt === 'string' ? prompt : tokenizer.decode(prompt)
    return Array.from({ length: body.n ?? 1 }, () => text)
  })
}

export const completions: Route = async (context) => {
  const { model, request } = context
  const { engine, tokenizer } = model
  const body = parseCompletionRequest(await readJsonBody(request))
  request.signal.throwIfAborted()
  checkModelName(context, body)

  const promptOnly = body.echo === true && body.max_tokens === 0
  const requested = { field: 'max_tokens', count: body.max_tokens ?? defaultMaxTokens }
  const generated = promptOnly ? { ...requested, count: 1 } : requested
  const params = toSamplingParams(body, model.defaultSamplingParams, generated)
  const promptIds = body.prompts.map((prompt) =>
    toTokenIds(prompt, tokenizer, body.add_special_tokens ?? true),
  )
  for (const ids of promptIds) checkContextLength(ids.length, generated, engine.maxModelLen)

  const numPromptTokens = promptIds.map((ids) => ids.length)
  const head = createReplyHead('cmpl', context, body, numPromptTokens)
  const n = body.n ?? 1
  const choices = startChoices({
    numPrompts: promptIds.length,
    n,
    start: (index) =>
      startChoice({
        index,
        engine,
        request: {
          promptTokenIds: promptIds[Math.floor(index / n)] ?? [],
          samplingParams: forChoice(params, index % n),
          requestId: `${head.id}-${randomHex(8)}`,
          ...(body.cache_salt == null ? {} : { cacheSalt: body.cache_salt }),
        },
        tokenizer,
        parser: plainText(),
        stop: body.stop ?? [],
        minTokens: params.minTokens,
        includeStopStrInOutput: body.include_stop_str_in_output ?? false,
        skipSpecialTokens: body.skip_special_tokens ?? true,
      }),
  })
  const reply: CompletionReply = {
    ...head,
    outputs: choices.outputs,
    echoed: echoedPrompts(body, tokenizer),
    promptOnly,
  }
  return respond({
    choices,
    signal: request.signal,
    stream: body.stream ?? false,
    chunks: () => completionChunks(reply),
    whole: () => textCompletion(reply),
  })
}
