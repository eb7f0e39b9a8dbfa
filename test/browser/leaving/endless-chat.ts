import type { Engine } from '../../../src/index.ts'

type Options = {
  readonly stream?: boolean
  readonly tokens?: number
  readonly signal?: AbortSignal | null
}

/** An answer of as many tokens. Left alone, 1500 take half a minute. */
export const endlessChat = (
  { fetch, baseURL }: Engine,
  { stream = true, tokens = 1500, signal = null }: Options = {},
): Promise<Response> =>
  fetch(`${baseURL}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      messages: [{ role: 'user', content: 'Hello!' }],
      stream,
      ignore_eos: true,
      max_tokens: tokens,
    }),
    signal,
  })
