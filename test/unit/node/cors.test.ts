import { expect, it } from 'vitest'
import { withCors } from '../../../src/node/cors.ts'

const ask = (allowed: readonly string[], method: string, headers: Record<string, string>) =>
  withCors(
    async () => new Response('answer'),
    allowed,
  )(new Request('http://quire.test/v1/models', { method, headers }))

const preflight = {
  origin: 'https://page.test',
  'access-control-request-method': 'POST',
  'access-control-request-headers': 'authorization,content-type',
}

it('lets every origin in under *', async () => {
  const { headers } = await ask(['*'], 'GET', { origin: 'https://page.test' })
  expect(headers.get('access-control-allow-origin')).toBe('*')
  expect(headers.has('vary')).toBe(false)
})

it('answers a preflight in place of the handler, with the headers that were asked for', async () => {
  const response = await ask(['*'], 'OPTIONS', preflight)
  expect([response.status, await response.text()]).toEqual([200, 'OK'])
  expect(Object.fromEntries(response.headers)).toEqual({
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT',
    'access-control-allow-headers': 'authorization,content-type',
    'access-control-max-age': '600',
    'content-type': 'text/plain;charset=UTF-8',
  })
})

it('names the origin where only some are allowed', async () => {
  const { headers } = await ask(['https://page.test'], 'GET', { origin: 'https://page.test' })
  expect(headers.get('access-control-allow-origin')).toBe('https://page.test')
  expect(headers.get('vary')).toBe('Origin')
})

it('refuses the preflight of other origins and gives them no leave', async () => {
  const refused = await ask(['https://other.test'], 'OPTIONS', preflight)
  expect([refused.status, await refused.text()]).toEqual([400, 'Disallowed CORS origin'])
  expect(refused.headers.has('access-control-allow-origin')).toBe(false)
  const answered = await ask(['https://other.test'], 'GET', { origin: 'https://page.test' })
  expect(answered.headers.has('access-control-allow-origin')).toBe(false)
})

it('passes on what comes from no page', async () => {
  expect([...(await ask(['*'], 'GET', {})).headers.keys()]).toEqual(['content-type'])
  expect(await (await ask(['*'], 'OPTIONS', {})).text()).toBe('answer')
  const bare = await ask(['*'], 'OPTIONS', { origin: 'https://page.test' })
  expect(await bare.text()).toBe('answer')
})

it('adds to answers whose headers are fixed', async () => {
  const handle = withCors(async () => Response.redirect('https://other.test/'), ['*'])
  const headers = { origin: 'https://page.test' }
  const response = await handle(new Request('http://quire.test/', { headers }))
  expect(response.status).toBe(302)
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
})
