import { streamEvents } from '../client/stream-events.ts'
import type { Streams } from './streams.ts'

export type ShownAnswer = { readonly content: string; readonly finishReason: string | null }

const dimmed = (text: string) => `\u001B[2m${text}\u001B[22m`

/**
 * Writes an answer to stdout as it comes, its reasoning to stderr, dimmed where that is a terminal.
 *
 * @throws EngineError for an answer that fails, the signal's reason for one that was given up.
 */
export const showAnswer = async (
  response: Promise<Response>,
  { stdout, stderr }: Omit<Streams, 'stdin'>,
  showsReasoning: boolean,
): Promise<ShownAnswer> => {
  let content = ''
  let finishReason: string | null = null
  let isThinking = false
  const think = (text: string) => {
    isThinking = true
    stderr.write(stderr.isTTY ? dimmed(text) : text)
  }
  const endThinking = () => {
    if (isThinking) stderr.write('\n')
    isThinking = false
  }
  for await (const event of streamEvents(response)) {
    if (event.type === 'error') throw event.error
    if (event.type === 'reasoning' && showsReasoning) think(event.text)
    if (event.type === 'content') {
      endThinking()
      // What separates an answer from its reasoning is not worth empty lines.
      stdout.write(content.trim() === '' ? event.text.trimStart() : event.text)
      content += event.text
    }
    if (event.type === 'done') finishReason = event.finishReason
  }
  endThinking()
  if (!content.endsWith('\n')) stdout.write('\n')
  return { content, finishReason }
}
