import type { ChatReply } from '../chat-reply.ts'
import type { ErrorBody } from '../errors.ts'
import { randomHex } from '../ids.ts'
import type { ChatLogprob } from '../logprobs.ts'
import { type BlockEvent, type ReplyBlock, replyBlocks } from '../reply-blocks.ts'
import { eventFrame, type SseFrames } from '../sse.ts'
import type { ChoiceEnd } from '../token-reader.ts'
import { type Callee, findCallee, type ToolUse } from './functions.ts'
import {
  type DescribeResponse,
  type ResponseObject,
  type ResponseStatus,
  responseUsage,
} from './response.ts'

type EventBody = {
  readonly type: string
  /** Of the events that tell the response itself. */
  readonly response?: ResponseObject
  readonly [field: string]: unknown
}

export type ResponseEvent = EventBody & { readonly sequence_number: number }

const idPrefixes = { reasoning: 'rs', text: 'msg', call: 'fc' }

/** A block with the names that the request has for what is called. */
type OutputBlock =
  | Exclude<ReplyBlock, { kind: 'call' }>
  | ({ readonly kind: 'call'; readonly id: string } & Callee)

type OutputItem = {
  readonly id: string
  readonly block: OutputBlock
  readonly status: 'in_progress' | 'completed'
  readonly text: string
  readonly logprobs: readonly ChatLogprob[] | null
}

const textPart = ({ text, logprobs }: OutputItem): object => ({
  annotations: [],
  text,
  type: 'output_text',
  logprobs:
    logprobs?.map(({ token, bytes, logprob, top_logprobs: top }) => ({
      token,
      bytes,
      logprob,
      top_logprobs: top.map((other) => ({
        token: other.token,
        bytes: other.bytes,
        logprob: other.logprob,
      })),
    })) ?? null,
})

const reasoningPart = (text: string): object => ({ text, type: 'reasoning_text' })

const toJson = (item: OutputItem): object => {
  const { id, block, status, text } = item
  if (block.kind === 'call') {
    const { id: callId, name, namespace } = block
    return { arguments: text, call_id: callId, name, type: 'function_call', id, namespace, status }
  }
  if (block.kind === 'text') {
    const content = status === 'in_progress' ? [] : [textPart(item)]
    return { id, content, role: 'assistant', status, type: 'message' }
  }
  const content = status === 'in_progress' ? null : [reasoningPart(text)]
  return { id, summary: [], type: 'reasoning', content, encrypted_content: null, status }
}

/** As vLLM has them in a delta: without the bytes. */
const deltaLogprobs = (logprobs: readonly ChatLogprob[]): readonly object[] =>
  logprobs.map(({ token, logprob, top_logprobs: top }) => ({
    token,
    logprob,
    top_logprobs: top.map((other) => ({ token: other.token, logprob: other.logprob })),
  }))

type Place = { readonly item_id: string; readonly output_index: number }

const openingEvents = ({ kind }: OutputBlock, place: Place): EventBody[] => {
  if (kind === 'call') return []
  const part =
    kind === 'reasoning'
      ? reasoningPart('')
      : { annotations: [], text: '', type: 'output_text', logprobs: [] }
  return [{ type: 'response.content_part.added', ...place, content_index: 0, part }]
}

const deltaEvent = (event: BlockEvent & { type: 'delta' }, place: Place): EventBody => {
  const { block, text: delta, logprobs } = event
  if (block.kind === 'call') {
    return { type: 'response.function_call_arguments.delta', ...place, delta }
  }
  const at = { ...place, content_index: 0 }
  if (block.kind === 'reasoning') return { type: 'response.reasoning_text.delta', ...at, delta }
  return { type: 'response.output_text.delta', ...at, delta, logprobs: deltaLogprobs(logprobs) }
}

const closingEvents = (item: OutputItem, place: Place): EventBody[] => {
  const { block, text, logprobs } = item
  if (block.kind === 'call') {
    const { name } = block
    return text === ''
      ? []
      : [{ type: 'response.function_call_arguments.done', ...place, arguments: text, name }]
  }
  const at = { ...place, content_index: 0 }
  const isReasoning = block.kind === 'reasoning'
  const part = isReasoning ? reasoningPart(text) : textPart(item)
  return [
    isReasoning
      ? { type: 'response.reasoning_text.done', ...at, text }
      : { type: 'response.output_text.done', ...at, text, logprobs: deltaLogprobs(logprobs ?? []) },
    { type: 'response.content_part.done', ...at, part },
  ]
}

const statusOf = ({ finishReason }: ChoiceEnd): ResponseStatus => {
  if (finishReason === 'length') return 'incomplete'
  return finishReason === 'abort' ? 'cancelled' : 'completed'
}

/** Tells one output item after the other, and keeps what they come to. */
class OutputItems {
  readonly output: object[] = []
  readonly #hasLogprobs: boolean
  readonly #toolUse: ToolUse
  #id = ''

  constructor(hasLogprobs: boolean, toolUse: ToolUse) {
    this.#hasLogprobs = hasLogprobs
    this.#toolUse = toolUse
  }

  #named(block: ReplyBlock): OutputBlock {
    return block.kind === 'call' ? { ...block, ...findCallee(this.#toolUse, block.name) } : block
  }

  *tell(event: BlockEvent & { type: 'open' | 'delta' | 'close' }): Generator<EventBody> {
    const { index } = event
    const block = this.#named(event.block)
    if (event.type === 'open') this.#id = `${idPrefixes[block.kind]}_${randomHex(32)}`
    const id = this.#id
    const place = { item_id: id, output_index: index }
    if (event.type === 'open') {
      const item = toJson({ id, block, status: 'in_progress', text: '', logprobs: null })
      yield { type: 'response.output_item.added', item, output_index: index }
      yield* openingEvents(block, place)
    } else if (event.type === 'delta') {
      yield deltaEvent(event, place)
    } else {
      const logprobs = this.#hasLogprobs ? event.logprobs : null
      const closed: OutputItem = { id, block, status: 'completed', text: event.text, logprobs }
      const item = toJson(closed)
      this.output.push(item)
      yield* closingEvents(closed, place)
      yield { type: 'response.output_item.done', item, output_index: index }
    }
  }
}

async function* eventBodies(
  reply: ChatReply,
  describe: DescribeResponse,
  toolUse: ToolUse,
): AsyncGenerator<EventBody> {
  const begun = describe({ status: 'in_progress', output: [], usage: null })
  yield { type: 'response.created', response: begun }
  yield { type: 'response.in_progress', response: begun }
  const items = new OutputItems(reply.createLogprobs !== null, toolUse)
  for await (const event of replyBlocks(reply)) {
    if (event.type === 'end') {
      const progress = { status: statusOf(event.end), output: items.output }
      const response = describe({ ...progress, usage: responseUsage(reply) })
      yield { type: 'response.completed', response }
    } else if (event.type !== 'start') {
      yield* items.tell(event)
    }
  }
}

/**
 * The events of a streamed response, in vLLM's order. The last one holds the whole response, also
 * when it is incomplete.
 *
 * @throws EngineError what ends the request.
 */
export async function* responseEvents(
  reply: ChatReply,
  describe: DescribeResponse,
  toolUse: ToolUse,
): AsyncGenerator<ResponseEvent> {
  let sequenceNumber = 0
  for await (const body of eventBodies(reply, describe, toolUse)) {
    yield { ...body, sequence_number: sequenceNumber++ }
  }
}

/** The event that ends what can't be finished: vLLM's error, where the openai package looks for it. */
export const failureEvent = (error: ErrorBody, sequenceNumber: number): ResponseEvent => ({
  type: 'error',
  sequence_number: sequenceNumber,
  ...error,
})

/** vLLM's events have their fields in alphabetical order, as the openai package declares them. */
const toFrame = (event: ResponseEvent): string => {
  const fields = Object.entries(event).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return eventFrame(event.type, Object.fromEntries(fields))
}

/** Writes one stream of events. */
export const createResponseFrames = (): SseFrames<ResponseEvent> => {
  let next = 0
  return {
    chunk: (event) => {
      next = event.sequence_number + 1
      return toFrame(event)
    },
    failure: (error) => toFrame(failureEvent(error, next)),
    end: '',
  }
}
