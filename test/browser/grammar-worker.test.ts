import { afterAll, beforeAll, expect, it } from 'vitest'
import { createEngine, type Engine } from '../../src/index.ts'

let engine: Engine
beforeAll(async () => {
  engine = await createEngine({ model: '/starter-model/' })
})
afterAll(() => engine?.dispose())

const complete = async (body: object) => {
  const response = await engine.fetch(`${engine.baseURL}/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'Hello', temperature: 0, ...body }),
  })
  const { choices } = (await response.json()) as { choices: { text: string }[] }
  return choices[0]?.text
}

/** Takes seconds to compile. */
const slowPattern = '([a-z]{1,200}x){1,100}'

it('compiles what an answer is held to while the engine goes on answering others', async () => {
  // The library and the vocabulary come first.
  await complete({ max_tokens: 1, structured_outputs: { choice: ['a'] } })
  const order: string[] = []
  const held = complete({ max_tokens: 1, structured_outputs: { regex: slowPattern } })
  const others = Promise.all([complete({ max_tokens: 12 }), complete({ max_tokens: 12 })])
  void held.then(() => order.push('held'))
  void others.then(() => order.push('others'))
  expect(await held).toMatch(/^[a-z]+$/)
  await others
  expect(order).toEqual(['others', 'held'])
})
