import OpenAI from 'openai'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createEngine, type Engine } from '../../src/index.ts'

const folder = '/test/fixtures/embedding-models/tiny-xlm-roberta/'

let engine: Engine
let client: OpenAI

beforeAll(async () => {
  engine = await createEngine({ model: folder })
  client = new OpenAI({
    baseURL: engine.baseURL,
    apiKey: 'none',
    fetch: engine.fetch,
    dangerouslyAllowBrowser: true,
  })
})
afterAll(() => engine?.dispose())

it('embeds texts through the unmodified openai package, modules in folders included', async () => {
  const response = await fetch(`${folder}golden.json`)
  const { cases }: { cases: { tokenIds: number[]; vector: number[] }[] } = await response.json()
  const input = cases.map(({ tokenIds }) => tokenIds)
  // The package asks for base64 unless told otherwise, and decodes it.
  const { data, usage } = await client.embeddings.create({ model: engine.model, input })
  expect(data.map(({ index }) => index)).toEqual(input.map((_, i) => i))
  data.forEach(({ embedding }, i) => {
    const { vector } = cases[i]!
    expect(embedding).toHaveLength(vector.length)
    vector.forEach((value, k) => expect(embedding[k]).toBeCloseTo(value, 3))
  })
  expect(usage.prompt_tokens).toBe(input.flat().length)
})

it('tokenises, and gives a model that embeds no chat', async () => {
  const { model } = engine
  const [text, ids] = await Promise.all([
    client.embeddings.create({ model, input: 'w7 w9 w200', encoding_format: 'float' }),
    client.embeddings.create({ model, input: [0, 7, 9, 200, 2], encoding_format: 'float' }),
  ])
  expect(text.usage.prompt_tokens).toBe(5)
  text.data[0]!.embedding.forEach((value, k) =>
    expect(ids.data[0]!.embedding[k]).toBeCloseTo(value, 5),
  )
  const chat = client.chat.completions.create({ model, messages: [{ role: 'user', content: 'x' }] })
  await expect(chat).rejects.toThrow('The model does not support Chat Completions API')
  expect((await engine.stats()).numFinished.stop).toBeGreaterThan(0)
})
