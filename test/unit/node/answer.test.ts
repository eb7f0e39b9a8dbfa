import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { showAnswer } from '../../../src/node/answer.ts'
import { createTestServer, eos } from '../server/fixtures.ts'

const show = async (pieces: readonly string[], { isTTY = false, showsReasoning = true } = {}) => {
  const { chat } = createTestServer({
    scripts: [{ pieces }],
    model: { reasoningParser: 'qwen3' },
  })
  const stdout = new PassThrough()
  const stderr = Object.assign(new PassThrough(), { isTTY })
  const shown = await showAnswer(chat({ stream: true }), { stdout, stderr }, showsReasoning)
  stdout.end()
  stderr.end()
  return { ...shown, stdout: await text(stdout), stderr: await text(stderr) }
}

const thought = ['<think>', 'hm', '</think>', '\n\n', 'a', 'b', eos]

it('writes the answer to stdout and the reasoning to stderr', async () => {
  expect(await show(thought)).toEqual({
    content: '\n\nab',
    finishReason: 'stop',
    stdout: 'ab\n',
    stderr: 'hm\n',
  })
})

it('dims the reasoning in a terminal', async () => {
  expect((await show(thought, { isTTY: true })).stderr).toBe('\u001B[2mhm\u001B[22m\n')
})

it('leaves the reasoning out', async () => {
  expect(await show(thought, { showsReasoning: false })).toMatchObject({
    stdout: 'ab\n',
    stderr: '',
  })
})

it('ends reasoning that nothing follows', async () => {
  expect(await show(['<think>', 'hm', eos])).toMatchObject({ stdout: '\n', stderr: 'hm\n' })
})

it('throws what the server says of a request that it refuses', async () => {
  const { chat } = createTestServer()
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() }
  const shown = showAnswer(chat({ stream: true, n: 0 }), streams, true)
  await expect(shown).rejects.toThrow('n must be at least 1')
})
