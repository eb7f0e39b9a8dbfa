import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createHubFetch, openPath, withDefaults } from '../../../src/node/environment.ts'

let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quire-env-'))
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

it('opens folders and GGUF files by their paths', async () => {
  await writeFile(join(folder, 'config.json'), '{"a": 1}')
  await writeFile(join(folder, 'model.gguf'), 'GGUF')
  expect(await (await openPath(folder))?.readJson('config.json')).toEqual({ a: 1 })
  expect((await openPath(join(folder, 'model.gguf')))?.ggufFile).toBe('model.gguf')
})

it('leaves names and addresses of models elsewhere alone', async () => {
  for (const model of ['Qwen/Qwen3-0.6B', 'owner/name/file.gguf', 'https://a.b/model/', 'gpt2']) {
    expect(await openPath(model)).toBeNull()
  }
})

it('refuses paths that lead nowhere, and other files', async () => {
  for (const model of ['./none', '/none', '../none/', '~/none', 'C:\\none', '.\\none']) {
    await expect(openPath(model)).rejects.toMatchObject({ code: 'file-not-found' })
  }
  const file = join(folder, 'model.safetensors')
  await writeFile(file, '')
  await expect(openPath(file)).rejects.toMatchObject({ code: 'invalid-request' })
})

it('takes what options leave open from the environment', () => {
  vi.stubEnv('XDG_CACHE_HOME', '/cache')
  vi.stubEnv('HF_TOKEN', 'token')
  vi.stubEnv('HF_ENDPOINT', 'https://mirror.test')
  expect(withDefaults({})).toEqual({
    downloadDir: join('/cache', 'quire-llm'),
    hubToken: 'token',
    hubURL: 'https://mirror.test',
  })
  const given = { downloadDir: '/d', hubToken: 't', hubURL: 'https://h.test' }
  expect(withDefaults(given)).toEqual(given)
  vi.stubEnv('HF_ENDPOINT', '')
  expect(withDefaults({}).hubURL).toBe('https://huggingface.co')
})

it('shows the token to the hub alone, even where the hub redirects', async () => {
  const seen: string[] = []
  const start = async (name: string, location?: () => string) => {
    const server = createServer(({ headers }, response) => {
      seen.push(`${name} ${headers.authorization} ${headers.range}`)
      if (location) response.writeHead(302, { location: location() })
      response.end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    return { url, close: () => server.close() }
  }
  const storage = await start('storage')
  const hub = await start('hub', () => `${storage.url}/file`)
  const get = createHubFetch(hub.url, 'secret')
  await get(`${hub.url}/model`, { headers: { range: 'bytes=1-' } })
  await get(storage.url)
  expect(seen).toEqual([
    'hub Bearer secret bytes=1-',
    'storage undefined bytes=1-',
    'storage undefined undefined',
  ])
  hub.close()
  storage.close()
})
