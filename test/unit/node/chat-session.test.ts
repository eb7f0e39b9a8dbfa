import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { type Ask, type ChatMessage, chatSession } from '../../../src/node/chat-session.ts'

const session = async (
  lines: readonly string[],
  ask: Ask,
  { signal = new AbortController().signal, first = [] as ChatMessage[] } = {},
) => {
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() }
  for (const line of lines) streams.stdin.write(`${line}\n`)
  if (lines.length > 0) streams.stdin.end()
  await chatSession(ask, first, { ...streams, signal })
  streams.stdout.end()
  streams.stderr.end()
  return { stdout: await text(streams.stdout), stderr: await text(streams.stderr) }
}

const contents = (messages: readonly ChatMessage[]) => messages.map(({ content }) => content)

it('asks with the whole conversation so far', async () => {
  const asked: string[][] = []
  await session(
    ['a', ' ', 'b'],
    async (messages) => {
      asked.push(contents(messages))
      return { content: `answer ${asked.length}`, finishReason: 'stop' }
    },
    { first: [{ role: 'system', content: 's' }] },
  )
  expect(asked).toEqual([
    ['s', 'a'],
    ['s', 'a', 'answer 1', 'b'],
  ])
})

it('goes on after a question that failed, which it forgets', async () => {
  const asked: string[][] = []
  const { stderr } = await session(['a', 'b'], async (messages) => {
    asked.push(contents(messages))
    if (asked.length === 1) throw new Error('too long')
    return { content: 'fine', finishReason: 'stop' }
  })
  expect(asked).toEqual([['a'], ['b']])
  expect(stderr).toContain('too long')
})

it('ends, with the answer that runs, when the program is told to', async () => {
  const program = new AbortController()
  const ended = session(
    ['a'],
    (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
        program.abort()
      }),
    { signal: program.signal },
  )
  expect((await ended).stderr).toContain('(stopped)')
})

it('ends when the program is told to while nothing runs', async () => {
  const program = new AbortController()
  const ended = session([], () => Promise.reject(new Error('never asked')), {
    signal: program.signal,
  })
  program.abort()
  await ended
})
