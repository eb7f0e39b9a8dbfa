import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createTestServer, normalise } from './fixtures.ts'
import { goldenRequests, type GoldenRequest } from './golden/golden-requests.ts'

// What a client gets for each kind of request, byte by byte, ids and times made constant. Every line
// was read against vLLM's protocol: run with QUIRE_UPDATE_STREAMS=1 to write the files anew, and
// read the difference the same way.
const folder = new URL('../../fixtures/streams/', import.meta.url)
const isUpdate = process.env['QUIRE_UPDATE_STREAMS'] === '1'
const fileOf = (name: string) => new URL(`${name}.txt`, folder)

const answer = async ({ path, body, scripts, model = {}, headers }: GoldenRequest) => {
  const { post } = createTestServer({ scripts, model })
  const response = await post(path, body, {
    headers: { 'content-type': 'application/json', ...headers },
  })
  const text = normalise(await response.text())
  return { status: response.status, text: text.endsWith('\n') ? text : `${text}\n` }
}

describe('golden streams', () => {
  if (isUpdate) mkdirSync(folder, { recursive: true })

  it.each(goldenRequests)('$name', async (request) => {
    const { status, text } = await answer(request)
    expect(status).toBe(request.status ?? 200)
    if (isUpdate) writeFileSync(fileOf(request.name), text)
    expect(text).toBe(readFileSync(fileOf(request.name), 'utf8'))
  })

  it('have a request for every file', () => {
    const files = readdirSync(folder).filter((file) => /^(chat|completion)-/.test(file))
    const expected = goldenRequests.map(({ name }) => `${name}.txt`)
    expect(files.toSorted()).toEqual(expected.toSorted())
  })
})
