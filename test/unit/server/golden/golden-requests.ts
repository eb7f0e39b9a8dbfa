import { chatCases, chatStreamCases, failures } from './chat-cases.ts'
import { completionCases, completionStreamCases } from './completion-cases.ts'
import type { GoldenCase } from './golden-case.ts'
import { parsedCases, parsedStreamCases } from './parsed-cases.ts'
import { refusals } from './refused-cases.ts'

/** A request to `path` whose answer is kept in the file `name`. */
export type GoldenRequest = GoldenCase & {
  readonly name: string
  readonly path: string
}

type Api = 'chat' | 'completion'

const paths = { chat: '/v1/chat/completions', completion: '/v1/completions' }
const prompts = {
  chat: { messages: [{ role: 'user', content: 'hi' }] },
  completion: { prompt: 'ab' },
}

const whole = (api: Api, golden: GoldenCase): GoldenRequest => ({
  ...golden,
  name: `${api}-${golden.kind}-whole`,
  path: paths[api],
  body: { ...prompts[api], ...golden.body },
})

const streamed = (api: Api, golden: GoldenCase): GoldenRequest => {
  const request = whole(api, golden)
  return { ...request, name: `${api}-${golden.kind}`, body: { ...request.body, stream: true } }
}

const eitherWay = (api: Api, cases: readonly GoldenCase[]): GoldenRequest[] =>
  cases.flatMap((golden) => [
    streamed(api, golden),
    ...(golden.alsoWhole ? [whole(api, golden)] : []),
  ])

export const goldenRequests: readonly GoldenRequest[] = [
  ...eitherWay('chat', [...chatCases, ...chatStreamCases, ...failures]),
  ...eitherWay('chat', [...parsedCases, ...parsedStreamCases]),
  ...eitherWay('completion', [...completionCases, ...completionStreamCases]),
  ...refusals.map((golden) => whole('chat', golden)),
]
