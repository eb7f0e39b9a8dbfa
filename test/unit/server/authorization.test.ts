import { describe, expect, it } from 'vitest'
import { createTestServer, eos } from './fixtures.ts'

const call = (path: string, init: RequestInit = {}, apiKey: string | null = 'secret') => {
  const serving = apiKey === null ? {} : { apiKey }
  const { handler } = createTestServer({ serving, scripts: [{ pieces: [eos] }] })
  return handler(new Request(`http://quire.test${path}`, init))
}

const bearing = (authorization: string): RequestInit => ({ headers: { authorization } })

describe('an API key', () => {
  it.each([
    {},
    bearing('Bearer'),
    bearing('Bearer '),
    bearing('Bearer wrong!'),
    bearing('Bearer secre'),
    bearing('Bearer secret2'),
    bearing('Bearer  secret'),
    bearing('Basic secret'),
    bearing('secret'),
    { headers: { 'x-api-key': 'secret' } },
  ])('is asked for under /v1: %j', async (init) => {
    for (const path of ['/v1/models', '/v1/chat/completions', '/v1/nothing', '/v2/embed']) {
      const response = await call(path, init)
      expect([response.status, await response.text()]).toEqual([401, '{"error":"Unauthorized"}'])
    }
  })

  it('lets a request with it pass, whatever the case of the scheme', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      expect((await call('/v1/models', bearing(`${scheme} secret`))).status).toBe(200)
    }
    expect((await call('/v1/models', bearing('Bearer a b'), 'a b')).status).toBe(200)
  })

  it('guards nothing else, and no preflight', async () => {
    for (const path of ['/health', '/version', '/metrics', '/load', '/ping']) {
      expect((await call(path)).status).toBe(200)
    }
    expect((await call('/nothing')).status).toBe(404)
    expect((await call('/v1/models', { method: 'OPTIONS' })).status).toBe(405)
  })

  it('is not asked for where none is set', async () => {
    expect((await call('/v1/models', {}, null)).status).toBe(200)
  })
})
