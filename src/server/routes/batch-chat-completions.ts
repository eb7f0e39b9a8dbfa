import { chatCompletion, type ChatReply } from '../chat-reply.ts'
import { invalidRequest } from '../errors.ts'
import type { ChoiceOutput } from '../generation-stream.ts'
import { list, object, parseBody, record } from '../lax-types.ts'
import { readJsonBody } from '../request-body.ts'
import { unlessAborted } from '../respond.ts'
import type { Route, RouteContext } from '../route.ts'
import { createUsageTally } from '../usage.ts'
import { type ChatRequest, parseChatRequest } from '../validation.ts'
import { type RunningChat, startChat } from './chat-completions.ts'

const schema = object({ messages: list(list(record)) })

const refuse = (what: string, field: string) =>
  invalidRequest(`Batch chat completions do not support ${what}.`, field)

const parseBatch = (given: unknown): readonly ChatRequest[] => {
  const { messages: conversations } = parseBody(schema, given)
  const [first] = conversations
  if (!first) throw invalidRequest('`messages` must hold at least one conversation.', 'messages')
  const body = parseChatRequest({ ...Object(given), messages: first })
  if (body.stream) throw refuse('streaming', 'stream')
  if (body.tools) throw refuse('tools', 'tools')
  if (body.use_beam_search) throw refuse('beam search', 'use_beam_search')
  if ((body.n ?? 1) !== 1) throw refuse('`n` other than 1', 'n')
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
