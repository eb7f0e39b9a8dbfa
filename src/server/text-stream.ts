import { invalidParameter, invalidRequest } from './errors.ts'
import type { SseFrames } from './sse.ts'
import type { CommonRequest } from './validation.ts'

type TextChunk = {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null }
    readonly text?: string
  }[]
}

/** A line break within text begins a further `data:` line, which readers join by one. */
const dataFrame = (text: string): string => `data: ${text.split(/\r\n|\r|\n/).join('\ndata: ')}\n\n`

const done = '[DONE]'

/**
 * An extension for clients that read no JSON: a stream of the answer's text alone. Each frame is a piece
 * of it, the last one is `[DONE]`. A failure is an event named `error` with vLLM's error JSON. Reasoning,
 * usage and log probabilities are not told.
 */
const textFrames: SseFrames<TextChunk> = {
  chunk: ({ choices }) => {
    const text = choices?.[0]?.delta?.content ?? choices?.[0]?.text ?? ''
    if (text === '') return ''
    // An answer that reads like the end must not look like it: cut in two, it is the same text.
    return text === done ? dataFrame(text.slice(0, 1)) + dataFrame(text.slice(1)) : dataFrame(text)
  },
  failure: (error) => `event: error\n${dataFrame(JSON.stringify(error))}`,
  end: dataFrame(done),
}

type StreamRequest = Pick<CommonRequest, 'stream' | 'stream_format' | 'n'> & {
  readonly prompts?: readonly unknown[]
  readonly toolChoice?: string | object
}

const field = 'stream_format'

/**
 * How a reply goes out: whole, or as a stream of the kind that `stream_format` or the address's `format`
 * asks for.
 *
 * @throws EngineError a 400 for a text stream of what is more than one text.
 */
export const replyFormat = (
  { url }: Request,
  body: StreamRequest,
): { readonly stream: boolean; readonly frames?: SseFrames } => {
  const stream = body.stream ?? false
  const format = body.stream_format ?? new URL(url).searchParams.get('format')
  if (format !== 'text') return { stream }
  if (!stream) {
    throw invalidParameter('A stream format can only be given when `stream=True`.', field)
  }
  if ((body.n ?? 1) > 1 || (body.prompts?.length ?? 1) > 1) {
    throw invalidRequest('A text stream holds one answer: set `n` to 1 and send one prompt.', field)
  }
  if ((body.toolChoice ?? 'none') !== 'none') {
    throw invalidRequest(
      'A text stream holds no tool calls: leave out `tools`, or set `tool_choice` to "none".',
      field,
    )
  }
  return { stream, frames: textFrames }
}
