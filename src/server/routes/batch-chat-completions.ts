import * as v from 'valibot'
import { chatCompletion, type ChatReply } from '../chat-reply.ts'
import { invalidParameter, invalidRequest } from '../errors.ts'
import type { ChoiceOutput } from '../generation-stream.ts'
import { nonEmptyList, object, oneOf, parseBody, pythonText } from '../lax-types.ts'
import { message } from '../message-schema.ts'
import { readJsonBody } from '../request-body.ts'
import { unlessAborted } from '../respond.ts'
import type { Route, RouteContext } from '../route.ts'
import { createUsageTally } from '../usage.ts'
import { type ChatRequest, parseChatRequest } from '../validation.ts'
import { type RunningChat, startChat } from './chat-completions.ts'

type Fields = Readonly<Record<string, unknown>>

const schema = object({
  messages: nonEmptyList(nonEmptyList(message)),
  tool_choice: v.nullish(oneOf(['none'])),
})

/** @throws EngineError in vLLM's words; what it silently drops is refused too. */
const checkBatch = ({ stream, tools, use_beam_search: searches, n }: Fields) => {
  const what = 'Batch chat completions do not support'
  if (searches) {
    throw invalidParameter(
      `${what} beam search. Please set \`use_beam_search\` to False.`,
      'use_beam_search',
    )
  }
  if (n != null && n !== 1) {
    throw invalidParameter(`${what} \`n > 1\`. Please set \`n\` to 1.`, 'n', pythonText(n))
  }
  if (stream) throw invalidRequest(`${what} streaming.`, 'stream')
  if (tools != null) throw invalidRequest(`${what} tools.`, 'tools')
}

const parseBatch = (given: unknown): readonly ChatRequest[] => {
  const fields: Fields = { ...Object(given) }
  checkBatch(fields)
  const { messages: conversations } = parseBody(schema, given)
  const body = parseChatRequest({ ...fields, messages: conversations[0] })
  return conversations.map((messages) => ({ ...body, messages }))
}

const abortAll = (chats: readonly RunningChat[]) => chats.forEach(({ choices }) => choices.abort())

const startAll = async (context: RouteContext, bodies: readonly ChatRequest[]) => {
  const chats: RunningChat[] = []
  try {
    for (const body of bodies) chats.push(await startChat(context, body))
    return chats
  } catch (thrown) {
    abortAll(chats)
    throw thrown
  }
}

/** The only choice of each chat, as one of a single reply. All of them run while one is read. */
async function* joinOutputs(chats: readonly RunningChat[]): AsyncGenerator<ChoiceOutput> {
  for (const [index, { reply }] of chats.entries()) {
    let echoed = reply.echoed === null ? [] : [{ content: reply.echoed }]
    for await (const output of reply.outputs) {
      yield { ...output, index, deltas: [...echoed, ...output.deltas], promptLogprobs: null }
      echoed = []
    }
  }
}

const joinReplies = (first: ChatReply, chats: readonly RunningChat[]): ChatReply => {
  const prompts = chats.flatMap(({ reply }) => reply.prompts)
  const numPromptTokens = prompts.map(({ length }) => length)
  return {
    ...first,
    prompts,
    tally: createUsageTally(numPromptTokens, 1),
    outputs: joinOutputs(chats),
    echoed: null,
    returnPromptTokenIds: false,
    promptText: null,
  }
}

/** vLLM's endpoint for many conversations at once: one choice for each of them. */
export const batchChatCompletions: Route = async (context) => {
  const { request } = context
  const bodies = parseBatch(await readJsonBody(request))
  request.signal.throwIfAborted()
  const chats = await startAll(context, bodies)
  const abort = () => abortAll(chats)
  const reply = joinReplies(chats[0]!.reply, chats)
  try {
    return Response.json(await unlessAborted(chatCompletion(reply), request.signal, abort))
  } finally {
    abort()
  }
}
