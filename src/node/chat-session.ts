import { createInterface } from 'node:readline/promises'
import type { ShownAnswer } from './answer.ts'
import type { Streams } from './streams.ts'

export type ChatMessage = {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

/** Shows the answer to a conversation. */
export type Ask = (messages: readonly ChatMessage[], signal: AbortSignal) => Promise<ShownAnswer>

const isAbort = (thrown: unknown): boolean =>
  thrown instanceof Error && thrown.name === 'AbortError'

/**
 * A conversation, line by line, until its end is typed (Ctrl-D). Ctrl-C ends the answer that runs; where
 * none does, the conversation.
 */
export const chatSession = async (
  ask: Ask,
  first: readonly ChatMessage[],
  { stdin, stdout, stderr, signal }: Streams & { readonly signal: AbortSignal },
): Promise<void> => {
  const lines = createInterface({ input: stdin, output: stdout, prompt: '> ', signal })
  const state = { messages: first, running: null as AbortController | null }
  lines.on('SIGINT', () => (state.running ? state.running.abort() : lines.close()))
  const answer = async (line: string) => {
    state.running = new AbortController()
    const asked = [...state.messages, { role: 'user', content: line } as const]
    try {
      const { content } = await ask(asked, AbortSignal.any([state.running.signal, signal]))
      state.messages = [...asked, { role: 'assistant', content }]
    } catch (thrown) {
      // What went wrong with one question need not end the conversation.
      const text = isAbort(thrown) ? '(stopped)' : String(thrown)
      stderr.write(`\n${text}\n`)
    } finally {
      state.running = null
    }
  }
  lines.prompt()
  for await (const line of lines) {
    if (line.trim() !== '') await answer(line)
    lines.prompt()
  }
  stdout.write('\n')
}
