import { text as readAll } from 'node:stream/consumers'
import type { Engine } from '../worker/engine-client.ts'
import { showAnswer, type ShownAnswer } from './answer.ts'
import { type Ask, type ChatMessage, chatSession } from './chat-session.ts'
import { type OptionTable, type OptionValues, readCommandLine } from './command-line.ts'
import { engineOf, loadInNode } from './create-engine.ts'
import { watchInterrupts } from './interrupts.ts'
import { modelOptions, toEngineOptions } from './model-options.ts'
import { count, number, text } from './option-values.ts'
import { createProgressLine } from './progress-line.ts'
import type { Streams } from './streams.ts'
import { UsageError } from './usage-error.ts'

export const runOptions = {
  ...modelOptions,
  system: { value: 'TEXT', read: text, help: 'the system message' },
  'max-tokens': { value: 'N', read: count, help: 'longest answer; else to the end of the context' },
  temperature: { value: 'N', read: number, help: '0 for the most likely answer' },
  'top-p': { value: 'N', read: number, help: 'share of the probability that is sampled from' },
  seed: { value: 'N', read: count, help: 'the same answer each time' },
  json: { help: "the API's whole reply as JSON instead of its text" },
  'show-reasoning': { help: 'reasoning goes to stderr (the default in a terminal)' },
} satisfies OptionTable

type RunOptions = OptionValues<typeof runOptions>

/** A model without a chat template goes on with the prompt, and seldom finds an end by itself. */
const completionTokens = 128

/** Asks an engine as a client over HTTP would. */
type Client = {
  readonly engine: Engine
  readonly isChat: boolean
  readonly options: RunOptions
}

const askEngine = (
  { engine, isChat, options }: Client,
  messages: readonly ChatMessage[],
  init: { readonly stream: boolean; readonly signal: AbortSignal },
): Promise<Response> => {
  const maxTokens = options['max-tokens'] ?? (isChat ? undefined : completionTokens)
  const body = {
    model: engine.model,
    stream: init.stream,
    max_tokens: maxTokens,
    temperature: options.temperature,
    top_p: options['top-p'],
    seed: options.seed,
    ...(isChat ? { messages } : { prompt: messages.at(-1)?.content }),
  }
  return engine.fetch(`${engine.baseURL}/${isChat ? 'chat/completions' : 'completions'}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: init.signal,
  })
}

const ask = (
  client: Client,
  messages: readonly ChatMessage[],
  streams: Streams,
  signal: AbortSignal,
): Promise<ShownAnswer> => {
  const showsReasoning = client.options['show-reasoning'] ?? streams.stderr.isTTY ?? false
  const response = askEngine(client, messages, { stream: true, signal })
  return showAnswer(response, streams, showsReasoning)
}

/** The prompt of the command line, or all of stdin; null in a terminal where none is given. */
const readPrompt = async (words: readonly string[], stdin: Streams['stdin']) => {
  const given = words.join(' ')
  if (given !== '' && given !== '-') return given
  if (given === '' && stdin.isTTY) return null
  const piped = (await readAll(stdin)).trimEnd()
  if (piped !== '') return piped
  throw new UsageError('There is no prompt: give one as an argument or on stdin.')
}

/** Resolves to the exit code. */
const answerOnce = async (
  client: Client,
  messages: readonly ChatMessage[],
  streams: Streams,
  signal: AbortSignal,
): Promise<number> => {
  if (client.options.json) {
    const response = await askEngine(client, messages, { stream: false, signal })
    streams.stdout.write(`${await response.text()}\n`)
    return response.ok ? 0 : 1
  }
  const { finishReason } = await ask(client, messages, streams, signal)
  if (finishReason === 'length') streams.stderr.write('(The answer was cut at its longest.)\n')
  return 0
}

const converse = async (
  client: Client,
  prompt: string | null,
  streams: Streams,
  signal: AbortSignal,
): Promise<number> => {
  const { system } = client.options
  if (system !== undefined && !client.isChat) {
    throw new UsageError(`${client.engine.model} has no chat template: leave out --system.`)
  }
  const first = system === undefined ? [] : [{ role: 'system', content: system } as const]
  if (prompt !== null) {
    const messages = [...first, { role: 'user', content: prompt } as const]
    return answerOnce(client, messages, streams, signal)
  }
  const answer: Ask = (messages, own) => ask(client, messages, streams, own)
  await chatSession(answer, first, { ...streams, signal })
  return 0
}

const load = async (
  options: RunOptions,
  { stderr }: Streams,
  signal: AbortSignal,
): Promise<Client> => {
  const progress = createProgressLine(stderr)
  try {
    const engineOptions = { ...toEngineOptions(options), signal, onProgress: progress.update }
    const served = await loadInNode(engineOptions)
    return { engine: engineOf(served, {}), isChat: served.chatTemplate !== null, options }
  } finally {
    progress.clear()
  }
}

/** `quire-llm run`: answers one prompt, or holds a conversation. Resolves to the exit code. */
export const runCommand = async (given: readonly string[], streams: Streams): Promise<number> => {
  const { options, words } = readCommandLine(given, runOptions)
  // Nobody should type a prompt before hearing that there is no model.
  toEngineOptions(options)
  const prompt = await readPrompt(words, streams.stdin)
  const interrupts = watchInterrupts()
  const { signal } = interrupts
  try {
    const client = await load(options, streams, signal)
    const exitCode = await converse(client, prompt, streams, signal)
    await client.engine.dispose()
    return exitCode
  } catch (thrown) {
    if (!signal.aborted) throw thrown
    return interrupts.exitCode()
  } finally {
    interrupts.release()
  }
}
