import type { BrowserContext, Page } from 'playwright'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ask, openBrowser, serveBuiltDemo, type DemoServer } from './demo-page.ts'

let server: DemoServer
let browser: BrowserContext
let page: Page
const pageErrors: string[] = []

beforeAll(async () => {
  server = await serveBuiltDemo()
  browser = await openBrowser()
  page = await browser.newPage()
  page.on('pageerror', ({ message }) => pageErrors.push(message))
  await page.goto(server.url)
})
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

const button = (name: string) => page.getByRole('button', { name, exact: true })

it('runs the tool that the model calls, and answers with its result', async () => {
  const answer = await ask(page, 'What is 12 * 31?')
  await page.getByRole('region', { name: 'Tool calculator' }).first().waitFor()
  expect(answer).toContain('372')
})

it('remembers the conversation', async () => {
  await ask(page, 'My name is Ada.')
  await expect(ask(page, "What's my name?")).resolves.toContain('Ada')
})

it('answers in four conversations at once, and shows them in the engine panel', async () => {
  await button('Engine panel').click()
  await button('Run 4 at once').first().click()
  await page
    .getByText(/[234] running/)
    .first()
    .waitFor()
  await page.getByText('0 running, 0 waiting').first().waitFor({ timeout: 120_000 })
  const answers = page.getByRole('article', { name: 'Assistant' })
  expect(await answers.count()).toBe(4)
  for (const text of await answers.allTextContents()) expect(text.length).toBeGreaterThan(10)
})

it('raised no error on the page', () => expect(pageErrors).toEqual([]))
