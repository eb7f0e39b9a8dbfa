import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { BrowserContext } from 'playwright'
import { preview, type PreviewServer } from 'vite'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openBrowser } from './demo-page.ts'

let folder: string
let server: PreviewServer
let browser: BrowserContext

const build = (...options: string[]) =>
  // A process of its own: Vitest's NODE_ENV would make it a development build.
  promisify(execFile)('npx', ['vite', 'build', ...options], {
    env: { ...process.env, NODE_ENV: 'production' },
  })

const script = `
import { createEngine } from './lib/index.js'
const engine = await createEngine({ model: '/starter-model/' })
globalThis.complete = async (body) => {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  return (await engine.fetch(engine.baseURL + '/completions', init)).json()
}
`

// The published library in an app of somebody who knows nothing of it: Vite as it comes, without a
// configuration, which has to find both workers.
beforeAll(async () => {
  await mkdir('.cache', { recursive: true })
  folder = await mkdtemp(join('.cache', 'app-'))
  await build('--mode', 'library', '--outDir', join(folder, 'lib'), '--emptyOutDir')
  await writeFile(join(folder, 'index.html'), '<script type="module" src="/main.js"></script>')
  await writeFile(join(folder, 'main.js'), script)
  await symlink(resolve('demo/public'), join(folder, 'public'))
  await build(folder)
  server = await preview({
    root: folder,
    configFile: false,
    logLevel: 'error',
    preview: { port: 0, host: 'localhost' },
  })
  browser = await openBrowser()
})

afterAll(async () => {
  await browser?.close()
  await server?.close()
  if (folder) await rm(folder, { recursive: true })
})

it('an app that Vite bundles answers, and holds an answer to its form', async () => {
  const page = await browser.newPage()
  await page.goto(server.resolvedUrls!.local[0]!)
  await page.waitForFunction(() => 'complete' in globalThis)
  const complete = (body: object) =>
    page.evaluate(
      (given) => (globalThis as unknown as { complete(body: object): unknown }).complete(given),
      body,
    )
  const free = { prompt: 'Hello', max_tokens: 5, temperature: 0 }
  expect(await complete(free)).toMatchObject({ usage: { completion_tokens: 5 } })
  const held = { ...free, max_tokens: 20, structured_outputs: { choice: ['forty-two'] } }
  expect(await complete(held)).toMatchObject({ choices: [{ text: 'forty-two' }] })
})
