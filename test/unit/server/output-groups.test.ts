import { describe, expect, it } from 'vitest'
import { createTestServer, eos, readFrames, refusal } from './fixtures.ts'

const pieces = ['a', 'b', 'c', 'd', 'e', 'f', eos]

const textsOf = async (response: Response): Promise<string[]> => {
  const frames = await readFrames(response)
  return frames.flatMap((frame) => /"(?:content|text)":"([^"]*)"/.exec(frame)?.[1] ?? [])
}

describe('stream_interval', () => {
  it('joins tokens into chunks; the first one and the last one come at once', async () => {
    const { complete } = createTestServer({ scripts: [{ pieces }] })
    const texts = await textsOf(await complete({ stream: true, stream_interval: 3 }))
    expect(texts).toEqual(['a', 'bcd', 'ef'])
  })

  it('counts the tokens of each choice, and keeps what they tell', async () => {
    const scripts = [{ pieces }, { pieces }]
    const { chat } = createTestServer({ scripts })
    const body = { stream: true, stream_interval: 4, n: 2, logprobs: true, return_token_ids: true }
    const frames = await readFrames(await chat(body))
    const choices = frames
      .slice(2, -1)
      .map((frame) => JSON.parse(frame.slice('data: '.length)).choices[0])
    for (const index of [0, 1]) {
      const own = choices.filter((choice) => choice.index === index)
      expect(own.map(({ token_ids: ids }) => ids.length)).toEqual([1, 4, 2])
      expect(own.map(({ logprobs }) => logprobs.content.length)).toEqual([1, 4, 2])
    }
  })

  it('means nothing to a whole reply', async () => {
    const { chat } = createTestServer({ scripts: [{ pieces }] })
    const { choices } = await (await chat({ stream_interval: 100 })).json()
    expect(choices[0].message.content).toBe('abcdef')
  })

  it('is at least 1', async () => {
    expect(await refusal(createTestServer().chat, { stream_interval: 0 })).toMatchObject({
      type: 'Bad Request',
      param: 'body.stream_interval',
    })
  })
})
