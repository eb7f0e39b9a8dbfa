import type { TokenLogprobs } from '../engine/generation.ts'
import type { OutputDelta } from '../parsers/output-delta.ts'
import { ChoiceTokens } from './choice-tokens.ts'
import type { ChoiceOutput } from './generation-stream.ts'
import { type ChatLogprobs, type LogprobsWriter, PendingLogprobs } from './logprobs.ts'
import { type Reply, usageChunk } from './reply.ts'
import type { ChoiceEnd } from './token-reader.ts'
import { withNulls } from './usage.ts'

const chunkName = 'chat.completion.chunk'

export type ChatReply = Reply & {
  readonly role: string
  /** Text put before every answer: the last message, under `echo`. */
  readonly echoed: string | null
  readonly includeReasoning: boolean
  /** Null where the request does not ask for log probabilities. */
  readonly createLogprobs: (() => LogprobsWriter<TokenLogprobs, ChatLogprobs>) | null
  /** False keeps the first tool call alone. */
  readonly parallelToolCalls: boolean
  /**
   * Whether calls make the finish reason `tool_calls`, as in vLLM: always, with `required` only in
   * an answer that was not cut off (or is streamed), and never for a tool that was named.
   */
  readonly callsEnd: 'always' | 'when-complete' | 'never'
  /** Without parsers even an empty piece of text is told. */
  readonly hasParser: boolean
  /** A model that thinks may well say nothing: no text is null then. */
  readonly mayThink: boolean
  readonly returnPromptTokenIds: boolean
  /** Every token goes out, also where its text is held back. */
  readonly returnTokenIds: boolean
  /** The rendered chat, where the request wants to see it. */
  readonly promptText: string | null
}

type ToolCall = {
  readonly index: number
  readonly id?: string
  readonly name?: string
  readonly arguments?: string
}

/** All that one engine output, or one whole choice, adds up to. Null: nothing of this kind. */
type Pieces = {
  readonly content: string | null
  readonly reasoning: string | null
  readonly toolCalls: readonly ToolCall[]
}

const noPieces: Pieces = { content: null, reasoning: null, toolCalls: [] }

const join = (text: string | null, added: string | undefined): string | null =>
  added === undefined ? text : (text ?? '') + added

const joinToolCall = (calls: readonly ToolCall[], added: ToolCall): readonly ToolCall[] => {
  const known = calls.find((call) => call.index === added.index)
  if (!known) return [...calls, added]
  const text = join(known.arguments ?? null, added.arguments)
  const joined = { ...known, ...added, ...(text === null ? {} : { arguments: text }) }
  return calls.map((call) => (call === known ? joined : call))
}

const addDelta = (pieces: Pieces, delta: OutputDelta): Pieces => ({
  content: join(pieces.content, delta.content),
  reasoning: join(pieces.reasoning, delta.reasoning),
  toolCalls: delta.toolCall ? joinToolCall(pieces.toolCalls, delta.toolCall) : pieces.toolCalls,
})

/** The deltas of an output, less what the request does not want to see. */
export const wantedDeltas = (reply: ChatReply, output: ChoiceOutput): OutputDelta[] =>
  output.deltas.flatMap((delta) => {
    const { reasoning, toolCall, content } = delta
    const showReasoning = reasoning !== undefined && reply.includeReasoning
    const showToolCall = toolCall && (reply.parallelToolCalls || toolCall.index === 0)
    const wanted: OutputDelta = {
      ...(showReasoning ? { reasoning } : {}),
      ...(content === undefined ? {} : { content }),
      ...(showToolCall ? { toolCall } : {}),
    }
    return Object.keys(wanted).length > 0 ? [wanted] : []
  })

const finishReason = (
  end: ChoiceEnd,
  hasToolCalls: boolean,
  rule: ChatReply['callsEnd'] = 'always',
): string => {
  const isTold = rule === 'always' || (rule === 'when-complete' && end.finishReason === 'stop')
  return hasToolCalls && isTold ? 'tool_calls' : end.finishReason
}

// Streaming.

const toolCallDelta = ({ id, index, name, arguments: text }: ToolCall): object => ({
  ...(id === undefined ? {} : { id }),
  ...(name === undefined ? {} : { type: 'function' }),
  index,
  function: {
    ...(name === undefined ? {} : { name }),
    ...(text === undefined ? {} : { arguments: text }),
  },
})

const chunkDelta = ({ content, reasoning, toolCalls }: Pieces): object => ({
  ...(content === null ? {} : { content }),
  ...(reasoning === null ? {} : { reasoning, reasoning_content: reasoning }),
  ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map(toolCallDelta) }),
})

type ChunkChoice = { readonly index: number; readonly [field: string]: unknown }

const chunk = (
  reply: ChatReply,
  choice: ChunkChoice,
  last: object = {},
  usage = reply.tally.ofChoice(choice.index),
): object => ({
  id: reply.id,
  object: chunkName,
  created: reply.created,
  model: reply.model,
  choices: [choice],
  ...(reply.continuousUsage ? { usage: withNulls(usage) } : {}),
  ...last,
})

const promptFields = ({ prompts, returnPromptTokenIds, promptText }: ChatReply): object => ({
  prompt_token_ids: returnPromptTokenIds ? (prompts[0] ?? []) : null,
  prompt_text: promptText,
})

function* openingChunks(reply: ChatReply): Generator<object> {
  const state = { logprobs: null, finish_reason: null }
  const indices = Array.from({ length: reply.numChoices }, (_, index) => index)
  for (const index of indices) {
    const delta = { role: reply.role, content: '' }
    yield chunk(reply, { index, delta, ...state }, promptFields(reply), reply.tally.ofPrompt(index))
  }
  if (reply.echoed === null) return
  for (const index of indices) {
    const delta = { content: reply.echoed }
    yield chunk(reply, { index, delta, ...state }, {}, reply.tally.ofPrompt(index))
  }
}

type StreamState = {
  readonly choicesWithToolCalls: Set<number>
  /** Those of tokens whose text is held back go out with the next text. */
  readonly logprobs: PendingLogprobs<TokenLogprobs>
}

const outputChunk = (
  reply: ChatReply,
  output: ChoiceOutput,
  { choicesWithToolCalls, logprobs }: StreamState,
): object | null => {
  const { index, end } = output
  logprobs.add(index, output.logprobs)
  const pieces = wantedDeltas(reply, output).reduce(addDelta, noPieces)
  if (pieces.toolCalls.length > 0) choicesWithToolCalls.add(index)
  const delta = chunkDelta(pieces)
  const isEmpty = Object.keys(delta).length === 0
  if (!end && isEmpty && !reply.returnTokenIds) return null
  const told = isEmpty && !reply.hasParser ? { content: '' } : delta
  const shared = { index, delta: told, logprobs: logprobs.take(index) }
  const tokenIds = reply.returnTokenIds ? output.newTokenIds : null
  if (!end) return chunk(reply, { ...shared, finish_reason: null, token_ids: tokenIds })
  const lastChoice = {
    ...shared,
    finish_reason: finishReason(end, choicesWithToolCalls.has(index), streamedRule(reply)),
    stop_reason: end.stopReason,
    token_ids: tokenIds,
  }
  return chunk(
    reply,
    lastChoice,
    reply.includeUsage ? {} : { system_fingerprint: reply.systemFingerprint },
  )
}

const streamedRule = ({ callsEnd }: ChatReply): ChatReply['callsEnd'] =>
  callsEnd === 'when-complete' ? 'always' : callsEnd

/** The reply as vLLM's chunk objects, in the order in which they are sent. */
export async function* chatChunks(reply: ChatReply): AsyncGenerator<object> {
  const state: StreamState = {
    choicesWithToolCalls: new Set(),
    logprobs: new PendingLogprobs(reply.createLogprobs),
  }
  let opened = false
  for await (const output of reply.outputs) {
    reply.tally.add(output)
    if (!opened) yield* openingChunks(reply)
    opened = true
    const made = outputChunk(reply, output, state)
    if (made) yield made
  }
  if (reply.includeUsage) yield usageChunk(reply, chunkName)
}

// Not streaming.

/** Where a call was insisted on, no text is an empty one. */
const wholeContent = (reply: ChatReply, { content, toolCalls }: Pieces) => {
  const text = (reply.echoed ?? '') + (content ?? '')
  const hasCalls = toolCalls.length > 0
  const isEmpty = hasCalls ? text.trim() === '' : text === ''
  if (!isEmpty) return text
  return reply.callsEnd === 'always' && (hasCalls || reply.mayThink) ? null : ''
}

type WholeChoice = {
  readonly index: number
  readonly pieces: Pieces
  readonly logprobs: object | null
  readonly tokenIds: readonly number[] | null
  readonly end: ChoiceEnd
}

const wholeChoice = (reply: ChatReply, choice: WholeChoice): object => {
  const { index, pieces, logprobs, tokenIds, end } = choice
  const { reasoning, toolCalls } = pieces
  const calls = toolCalls.map(({ id, name, arguments: text }) => ({
    id,
    type: 'function',
    function: { name, arguments: text ?? '' },
  }))
  return {
    index,
    message: {
      role: reply.role,
      content: wholeContent(reply, pieces),
      refusal: null,
      annotations: null,
      audio: null,
      function_call: null,
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
      reasoning,
      reasoning_content: reasoning,
    },
    logprobs,
    finish_reason: finishReason(end, calls.length > 0, reply.callsEnd),
    stop_reason: end.stopReason,
    token_ids: tokenIds,
    routed_experts: null,
  }
}

/** The whole reply as one object: the same outputs, collected. */
export const chatCompletion = async (reply: ChatReply): Promise<object> => {
  const pieces = new Map<number, Pieces>()
  const ends = new Map<number, ChoiceEnd>()
  const tokens = new ChoiceTokens(reply.returnTokenIds)
  const logprobs = new PendingLogprobs(reply.createLogprobs)
  let promptLogprobs: readonly (object | null)[] | null = null
  for await (const output of reply.outputs) {
    const { index, end } = output
    reply.tally.add(output)
    logprobs.add(index, output.logprobs)
    if (output.promptLogprobs) promptLogprobs = reply.describePrompt(0, output.promptLogprobs)
    const before = pieces.get(index) ?? noPieces
    pieces.set(index, wantedDeltas(reply, output).reduce(addDelta, before))
    tokens.add(output)
    if (end) ends.set(index, end)
  }
  const choices = [...ends]
    .toSorted(([a], [b]) => a - b)
    .map(([index, end]) =>
      wholeChoice(reply, {
        index,
        pieces: pieces.get(index) ?? noPieces,
        logprobs: logprobs.take(index),
        tokenIds: tokens.of(index),
        end,
      }),
    )
  return {
    id: reply.id,
    object: 'chat.completion',
    created: reply.created,
    model: reply.model,
    choices,
    service_tier: null,
    system_fingerprint: reply.systemFingerprint,
    usage: withNulls(reply.tally.total()),
    prompt_logprobs: promptLogprobs,
    ...promptFields(reply),
    kv_transfer_params: null,
    ec_transfer_params: null,
    metrics: null,
  }
}
