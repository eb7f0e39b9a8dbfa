import type { BrowserContext } from 'playwright'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ask, openBrowser, serveBuiltDemo, type DemoServer } from './demo-page.ts'

let server: DemoServer
let browser: BrowserContext

beforeAll(async () => {
  server = await serveBuiltDemo()
  browser = await openBrowser()
})
afterAll(async () => {
  await browser?.close()
  await server?.close().catch(() => {})
})

it('answers after one visit with the network cut', async () => {
  const page = await browser.newPage()
  await page.goto(server.url)
  await page.getByText('Ready offline').first().waitFor({ timeout: 120_000 })

  await browser.setOffline(true)
  await server.close()
  await page.reload()
  await expect(ask(page, 'Hello!')).resolves.toMatch(/hello|hi/i)
  // Nothing answers at that address any more.
  await expect(page.evaluate(() => fetch('/no-such-file').then(({ ok }) => ok))).rejects.toThrow()
})
