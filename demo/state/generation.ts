import type { OpenAI } from 'openai'
import type { ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions'
import { runTool, toolSchemas } from '../tools/registry.ts'
import { announce } from './announcer.ts'
import {
  addUserMessage,
  putAssistantMessage,
  truncateAt,
  type Conversation,
} from './conversations.ts'
import { addDelta, giveUp, type Draft } from './deltas.ts'
import { isStarterModel, messageOf, readyEngine } from './engine.ts'
import {
  answerText,
  emptyRound,
  toRequestMessages,
  type AssistantMessage,
  type Message,
  type Round,
  type ToolCall,
} from './messages.ts'
import { claimRequestId } from './requests.ts'
import { thinkingSwitch, toolsSwitch } from './settings.ts'

const maxRounds = 5
/** About 30 pictures a second: faster is not read, and each costs Markdown and layout. */
const publishEveryMs = 33

type ChatRequest = ChatCompletionCreateParamsStreaming & {
  chat_template_kwargs: { enable_thinking: boolean }
}

/** Counts what a run of rounds took, as a reader experiences it. */
class Stopwatch {
  readonly #startedAt = performance.now()
  #firstTokenAt: number | null = null
  #streamedMs = 0
  #roundStartedAt: number | null = null
  #tokens = 0

  tick(): void {
    const now = performance.now()
    this.#firstTokenAt ??= now
    this.#roundStartedAt ??= now
  }

  endRound(tokens: number): void {
    if (this.#roundStartedAt === null) return
    this.#streamedMs += performance.now() - this.#roundStartedAt
    this.#roundStartedAt = null
    this.#tokens += tokens
  }

  get speed(): AssistantMessage['speed'] {
    if (this.#firstTokenAt === null || this.#tokens === 0) return null
    return {
      tokens: this.#tokens,
      tokensPerSecond: this.#tokens / Math.max(this.#streamedMs / 1000, 0.001),
      firstTokenMs: this.#firstTokenAt - this.#startedAt,
    }
  }
}

/** One answer on its way: keeps the message that readers see in step with the stream. */
class Answer {
  readonly id = crypto.randomUUID()
  readonly stopwatch = new Stopwatch()
  readonly #conversation: Conversation
  #done: readonly Round[] = []
  #round: Draft = { ...emptyRound }
  #status: AssistantMessage['status'] = 'waiting'
  #note: string | null = null
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(conversation: Conversation) {
    this.#conversation = conversation
    this.publish()
  }

  get round(): Draft {
    return this.#round
  }

  get message(): AssistantMessage {
    return {
      id: this.id,
      role: 'assistant',
      rounds: [...this.#done, { ...this.#round }],
      status: this.#status,
      note: this.#note,
      speed: this.stopwatch.speed,
    }
  }

  changed(): void {
    this.#status = 'streaming'
    this.#timer ??= setTimeout(() => this.publish(), publishEveryMs)
  }

  nextRound(): void {
    this.#done = [...this.#done, this.#round]
    this.#round = { ...emptyRound }
    this.publish()
  }

  end(status: AssistantMessage['status'], note: string | null): void {
    this.#status = status
    this.#note = note
    this.publish()
  }

  publish(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    putAssistantMessage(this.#conversation, this.message)
  }
}

const chatRequest = (
  model: string,
  messages: readonly Message[],
  isRetry: boolean,
): ChatRequest => ({
  model,
  messages: toRequestMessages(messages),
  stream: true,
  stream_options: { include_usage: true },
  chat_template_kwargs: { enable_thinking: thinkingSwitch.peek() === 'on' },
  ...(toolsSwitch.peek() === 'on' ? { tools: toolSchemas } : {}),
  // The starter model is at its best when it takes its likeliest word; who asks again wants another.
  ...(isStarterModel() && !isRetry ? { temperature: 0 } : {}),
})

type RoundContext = {
  readonly client: OpenAI
  readonly request: ChatRequest
  readonly conversationId: string
  readonly signal: AbortSignal
}

/** Streams one request into the answer's current round. */
const streamRound = async (answer: Answer, context: RoundContext): Promise<string | null> => {
  const { client, request, conversationId, signal } = context
  const headers = { 'X-Request-Id': claimRequestId(conversationId) }
  const stream = await client.chat.completions.create(request, { signal, headers })
  let finishReason: string | null = null
  let thinkingSince: number | null = null
  let chunks = 0
  let tokens: number | null = null
  for await (const chunk of stream) {
    tokens = chunk.usage?.completion_tokens ?? tokens
    const choice = chunk.choices[0]
    if (!choice) continue
    finishReason = choice.finish_reason ?? finishReason
    thinkingSince ??= performance.now()
    if (!addDelta(answer.round, choice.delta, performance.now() - thinkingSince)) continue
    chunks++
    answer.stopwatch.tick()
    answer.changed()
  }
  // The client ends the loop quietly when it was aborted.
  signal.throwIfAborted()
  if (answer.round.reasoning !== '' && thinkingSince !== null) {
    answer.round.reasoningMs ??= performance.now() - thinkingSince
  }
  answer.stopwatch.endRound(tokens ?? chunks)
  return finishReason
}

/** Runs the round's calls side by side, each card changing as soon as its own result is there. */
const runCalls = async (answer: Answer, signal: AbortSignal): Promise<void> => {
  const { round } = answer
  const put = (index: number, change: Partial<ToolCall>) => {
    const call = round.toolCalls[index]
    if (call) round.toolCalls = round.toolCalls.with(index, { ...call, ...change })
    answer.publish()
  }
  const calls = round.toolCalls
  await Promise.all(
    calls.map(async (call, index) => {
      put(index, { status: 'running' })
      const { ok, content } = await runTool(call.name, call.arguments, signal)
      put(index, { status: ok ? 'done' : 'failed', result: content })
    }),
  )
}

type Talk = {
  readonly conversation: Conversation
  readonly answer: Answer
  readonly signal: AbortSignal
  readonly isRetry: boolean
}

/** Asks, runs what the model calls, and asks again. Returns what the reader should know, if any. */
const talk = async ({ conversation, answer, signal, isRetry }: Talk): Promise<string | null> => {
  const { engine, client } = await readyEngine(signal)
  for (let count = 1; ; count++) {
    const request = chatRequest(engine.model, conversation.messages.peek(), isRetry)
    const context = { client, request, conversationId: conversation.id, signal }
    const finishReason = await streamRound(answer, context)
    if (answer.round.toolCalls.length === 0) {
      return finishReason === 'length' ? 'The answer was cut off: the context is full.' : null
    }
    await runCalls(answer, signal)
    if (count === maxRounds) return `Stopped after ${maxRounds} rounds of tool calls.`
    answer.nextRound()
  }
}

/** Answers the last user message of a conversation. Never rejects: failures end in the message. */
export const respond = async (conversation: Conversation, isRetry = false): Promise<void> => {
  if (conversation.running.peek()) return
  const controller = new AbortController()
  conversation.running.value = controller
  const answer = new Answer(conversation)
  try {
    const note = await talk({ conversation, answer, signal: controller.signal, isRetry })
    answer.end('done', note)
    announce(`${conversation.title.peek()}: ${answerText(answer.message) || 'No answer.'}`)
  } catch (thrown) {
    giveUp(answer.round)
    if (controller.signal.aborted) answer.end('stopped', null)
    else answer.end('failed', messageOf(thrown))
    announce(controller.signal.aborted ? 'Stopped.' : messageOf(thrown))
  } finally {
    conversation.running.value = null
  }
}

export const send = (conversation: Conversation, text: string): void => {
  if (text.trim() === '' || conversation.running.peek()) return
  addUserMessage(conversation, text.trim())
  void respond(conversation)
}

export const stop = (conversation: Conversation): void => {
  conversation.running.peek()?.abort()
}

export const regenerate = (conversation: Conversation, messageId: string): void => {
  if (conversation.running.peek()) return
  truncateAt(conversation, messageId)
  void respond(conversation, true)
}

/** Replaces a user message; what followed it is gone. */
export const editAndResend = (
  conversation: Conversation,
  messageId: string,
  text: string,
): void => {
  if (text.trim() === '' || conversation.running.peek()) return
  truncateAt(conversation, messageId)
  send(conversation, text)
}
