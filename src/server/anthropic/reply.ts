import type { ChatReply } from '../chat-reply.ts'
import { randomHex } from '../ids.ts'
import { type BlockEvent, type ReplyBlock, replyBlocks } from '../reply-blocks.ts'

export type MessageEvent = { readonly type: string; readonly [field: string]: unknown }

const stopReasons: Readonly<Record<string, string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
}

/** Calls come first, however the model was brought to them: a client's loop waits for `tool_use`. */
const stopFields = ({ end, hasCalls }: BlockEvent & { type: 'end' }): object => {
  const { finishReason, stopReason } = end
  if (hasCalls) return { stop_reason: 'tool_use', stop_sequence: null }
  const isSequence = finishReason === 'stop' && typeof stopReason === 'string'
  return isSequence
    ? { stop_reason: 'stop_sequence', stop_sequence: stopReason }
    : { stop_reason: stopReasons[finishReason] ?? null, stop_sequence: null }
}

const usageOf = ({ tally }: ChatReply): object => {
  const { prompt_tokens: input, completion_tokens: output } = tally.total()
  return { input_tokens: input, output_tokens: output }
}

const messageOf = (reply: ChatReply, content: readonly object[], stop: object): object => ({
  id: reply.id,
  type: 'message',
  role: 'assistant',
  content,
  model: reply.model,
  ...stop,
})

/** Clients hand it back and forth; there is nothing to sign. */
const signature = (): string => randomHex(32)

const emptyText: ReplyBlock = { kind: 'text' }

// Streaming.

const emptyBlock = (block: ReplyBlock): object => {
  if (block.kind === 'text') return { type: 'text', text: '' }
  return block.kind === 'reasoning'
    ? { type: 'thinking', thinking: '', signature: '' }
    : { type: 'tool_use', id: block.id, name: block.name, input: {} }
}

const deltaOf = ({ kind }: ReplyBlock, text: string): object => {
  if (kind === 'call') return { type: 'input_json_delta', partial_json: text }
  return kind === 'text' ? { type: 'text_delta', text } : { type: 'thinking_delta', thinking: text }
}

const opening = (block: ReplyBlock, index: number): MessageEvent => ({
  type: 'content_block_start',
  content_block: emptyBlock(block),
  index,
})

const closing = (block: ReplyBlock, index: number): MessageEvent[] => {
  const delta = { type: 'signature_delta', signature: signature() }
  return [
    ...(block.kind === 'reasoning' ? [{ type: 'content_block_delta', delta, index }] : []),
    { type: 'content_block_stop', index },
  ]
}

function* toEvents(reply: ChatReply, event: BlockEvent): Generator<MessageEvent> {
  if (event.type === 'start') {
    const [prompt] = reply.prompts
    const usage = { input_tokens: prompt?.length ?? 0, output_tokens: 0 }
    const stop = { stop_reason: null, stop_sequence: null, usage }
    yield { type: 'message_start', message: messageOf(reply, [], stop) }
  } else if (event.type === 'open') {
    yield opening(event.block, event.index)
  } else if (event.type === 'delta') {
    const delta = deltaOf(event.block, event.text)
    yield { type: 'content_block_delta', delta, index: event.index }
  } else if (event.type === 'close') {
    yield* closing(event.block, event.index)
  } else {
    yield { type: 'message_delta', delta: stopFields(event), usage: usageOf(reply) }
    yield { type: 'message_stop' }
  }
}

/**
 * The reply as the events of Anthropic's stream. An answer without anything has one empty text.
 *
 * @throws EngineError what ends the request.
 */
export async function* messageEvents(reply: ChatReply): AsyncGenerator<MessageEvent> {
  let isEmpty = true
  for await (const event of replyBlocks(reply)) {
    if (event.type === 'open') isEmpty = false
    if (event.type === 'end' && isEmpty) {
      yield opening(emptyText, 0)
      yield* closing(emptyText, 0)
    }
    yield* toEvents(reply, event)
  }
}

// Not streaming.

/** Arguments that were cut off are no input. */
const parseInput = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

const wholeBlock = (block: ReplyBlock, text: string): object => {
  const { kind } = block
  if (kind === 'text') return { type: 'text', text }
  if (kind === 'reasoning') return { type: 'thinking', thinking: text, signature: signature() }
  return { type: 'tool_use', id: block.id, name: block.name, input: parseInput(text) }
}

/** The reply as one message: the same blocks, collected. */
export const wholeMessage = async (reply: ChatReply): Promise<object> => {
  const content: object[] = []
  let stop: object = { stop_reason: null, stop_sequence: null }
  for await (const event of replyBlocks(reply)) {
    if (event.type === 'close') content.push(wholeBlock(event.block, event.text))
    if (event.type === 'end') stop = stopFields(event)
  }
  if (content.length === 0) content.push(wholeBlock(emptyText, ''))
  return messageOf(reply, content, { ...stop, usage: usageOf(reply) })
}
