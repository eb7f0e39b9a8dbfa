import { EngineError, quote } from '../errors.ts'
import { parseArguments, type JsonObject } from './arguments.ts'
import { createCollector } from './collect.ts'
import { untilAborted, type Endpoint } from './fetch.ts'
import {
  toolMessage,
  type AssistantMessage,
  type ChatMessage,
  type ToolCall,
  type ToolMessage,
} from './messages.ts'
import { streamChat, type ChatRequest } from './stream-chat.ts'
import type { StreamEvent, Usage } from './stream-events.ts'

export type ToolContext = {
  readonly call: ToolCall
  /** Aborts with the whole run. */
  readonly signal: AbortSignal
}

/**
 * A function that the model can call. The type of its arguments comes from `parse` or from how
 * `run` is written, and is unknown otherwise: nobody has checked them.
 */
export type Tool<Args> = {
  readonly description?: string
  /** JSON Schema of the arguments. */
  readonly parameters?: object
  /**
   * Checks and converts the arguments: a schema library's `parse`, say. What it throws is told to
   * the model.
   */
  readonly parse?: (args: JsonObject) => Args
  /** Its result, or what it throws, is told to the model. */
  run(args: Args, context: ToolContext): unknown
}

export type ToolResultEvent = {
  readonly type: 'tool-result'
  readonly call: ToolCall
  /** What the tool gave; undefined where it failed. */
  readonly result?: unknown
  readonly error?: unknown
  /** As the model reads it. */
  readonly message: ToolMessage
}

export type RunToolsOptions<Tools, Message extends ChatMessage = ChatMessage> = {
  readonly endpoint: Endpoint
  /** The first request. A `tool_choice` that forces a call holds for the first round only. */
  readonly request: ChatRequest<Message>
  readonly tools: { readonly [Name in keyof Tools]: Tool<Tools[Name]> }
  /** A round is a request and the calls in its answer: 10 unless given. */
  readonly maxRounds?: number
  /**
   * Whether the calls of one answer run at once: they do unless given. Results keep the calls'
   * order.
   */
  readonly parallel?: boolean
  /** Told everything as it happens, and waited for. */
  readonly onEvent?: (event: StreamEvent | ToolResultEvent) => void | Promise<void>
  readonly signal?: AbortSignal
}

export type RunToolsResult<Message extends ChatMessage = ChatMessage> = {
  /** The last answer. */
  readonly message: AssistantMessage
  readonly finishReason: string | null
  /** The request's messages and all that came after them. */
  readonly messages: readonly (Message | AssistantMessage | ToolMessage)[]
  /** Of all rounds together; null where the server told none. */
  readonly usage: Pick<Usage, 'prompt_tokens' | 'completion_tokens' | 'total_tokens'> | null
  readonly numRounds: number
  /**
   * Whether the model came to an answer. If not, `messages` end with results that it has not seen.
   */
  readonly complete: boolean
}

type ToolSet = Readonly<Record<string, Tool<unknown>>>

const toDefinition = ([name, { description, parameters }]: [string, Tool<unknown>]) => ({
  type: 'function',
  function: {
    name,
    ...(description === undefined ? {} : { description }),
    parameters: parameters ?? { type: 'object', properties: {} },
  },
})

const runTool = (tools: ToolSet, call: ToolCall, signal: AbortSignal): unknown => {
  const tool = Object.hasOwn(tools, call.name) ? tools[call.name] : undefined
  if (!tool) {
    const names = Object.keys(tools).map(quote).join(', ') || 'none'
    throw new EngineError(
      'invalid-request',
      `There is no tool ${quote(call.name)}. The tools are: ${names}.`,
      { details: { tool: call.name } },
    )
  }
  const args = parseArguments(call)
  return tool.run(tool.parse ? tool.parse(args) : args, { call, signal })
}

/** A call and what came of it. It fails only when the signal aborts. */
const answerCall = async (
  tools: ToolSet,
  call: ToolCall,
  signal: AbortSignal,
): Promise<ToolResultEvent> => {
  signal.throwIfAborted()
  try {
    const running = Promise.resolve().then(() => runTool(tools, call, signal))
    const result = await untilAborted(running, signal)
    return { type: 'tool-result', call, result, message: toolMessage(call, result) }
  } catch (error) {
    signal.throwIfAborted()
    const told = error instanceof Error ? error.message : String(error)
    return { type: 'tool-result', call, error, message: toolMessage(call, { error: told }) }
  }
}

const sum = (usages: readonly Usage[]): RunToolsResult['usage'] => {
  if (usages.length === 0) return null
  const total = (field: 'prompt_tokens' | 'completion_tokens' | 'total_tokens') =>
    usages.reduce((count, usage) => count + usage[field], 0)
  return {
    prompt_tokens: total('prompt_tokens'),
    completion_tokens: total('completion_tokens'),
    total_tokens: total('total_tokens'),
  }
}

const checkOptions = (maxRounds: number, { n }: JsonObject): void => {
  if (!(maxRounds >= 1)) {
    throw new EngineError('invalid-request', `maxRounds is ${maxRounds}. Give at least 1.`)
  }
  if ((n ?? 1) !== 1) {
    throw new EngineError('invalid-request', `n is ${quote(n)}. Tools need one answer.`)
  }
}

/**
 * What a round's request says of tools. A model that had to call one each time would never answer.
 */
const toolFields = (tools: ToolSet, { tool_choice: choice }: JsonObject, round: number) => {
  const definitions = Object.entries(tools).map(toDefinition)
  return {
    // Servers refuse an empty list.
    ...(definitions.length > 0 ? { tools: definitions } : {}),
    ...(choice === undefined || round === 1 || choice === 'none' ? {} : { tool_choice: 'auto' }),
  }
}

const readAnswer = async (
  events: AsyncIterable<StreamEvent>,
  onEvent: RunToolsOptions<unknown>['onEvent'],
) => {
  const collector = createCollector()
  for await (const event of events) {
    await onEvent?.(event)
    collector.push(event)
  }
  const { choices, usage } = collector.result()
  const [choice] = choices
  if (choice) return { choice, usage }
  throw new EngineError('network', 'The server sent an answer without a choice.')
}

/**
 * Asks, runs the tools that the model calls, tells it their results, and asks again until it
 * answers without a call or `maxRounds` are over. A tool that throws, is unknown or gets no valid
 * arguments ends nothing: the model reads `{"error": "…"}` as its result.
 *
 * @throws EngineError where the server fails, and what its connection throws; the signal's reason.
 *
 * @example
 * const { message } = await runTools({
 *   endpoint: engine,
 *   request: { messages: [{ role: 'user', content: 'Weather in Oslo?' }] },
 *   tools: {
 *     weather: {
 *       description: 'The weather in a city',
 *       parameters: { type: 'object', properties: { city: { type: 'string' } } },
 *       run: ({ city }: { city: string }) => lookUp(city),
 *     },
 *   },
 * })
 */
export const runTools = async <
  Tools extends Record<string, unknown>,
  Message extends ChatMessage = ChatMessage,
>(
  options: RunToolsOptions<Tools, Message>,
): Promise<RunToolsResult<Message>> => {
  const { request, maxRounds = 10, parallel = true, onEvent } = options
  const tools = options.tools as ToolSet
  const signal = options.signal ?? new AbortController().signal
  const messages: (Message | AssistantMessage | ToolMessage)[] = [...request.messages]
  const fields: JsonObject = { ...request }
  const usages: Usage[] = []
  checkOptions(maxRounds, fields)

  const answer = async (call: ToolCall): Promise<ToolMessage> => {
    const event = await answerCall(tools, call, signal)
    await onEvent?.(event)
    return event.message
  }
  const answerAll = async (calls: readonly ToolCall[]): Promise<void> => {
    if (parallel) messages.push(...(await Promise.all(calls.map(answer))))
    else for (const call of calls) messages.push(await answer(call))
  }

  for (let numRounds = 1; ; numRounds++) {
    const body = { ...fields, ...toolFields(tools, fields, numRounds), messages }
    const events = streamChat(options.endpoint, body, { signal })
    const { choice, usage } = await readAnswer(events, onEvent)
    const { message, finishReason, toolCalls } = choice
    if (usage) usages.push(usage)
    messages.push(message)
    await answerAll(toolCalls)
    const complete = toolCalls.length === 0
    if (complete || numRounds >= maxRounds) {
      return { message, finishReason, messages, usage: sum(usages), numRounds, complete }
    }
  }
}
