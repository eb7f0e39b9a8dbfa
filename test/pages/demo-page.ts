import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { chromium, type BrowserContext, type Page } from 'playwright'
import { preview } from 'vite'
import { chromiumArgs } from '../../vite.config.ts'

export type DemoServer = { readonly url: string; close(): Promise<void> }

/** Builds the demo as `npm run build` does and serves the result. */
export const serveBuiltDemo = async (): Promise<DemoServer> => {
  const outDir = await mkdtemp(join(tmpdir(), 'quire-demo-'))
  // A process of its own: Vitest's NODE_ENV would make it a development build.
  await promisify(execFile)(
    'npx',
    ['vite', 'build', '--mode', 'demo', '--outDir', outDir, '--emptyOutDir'],
    { env: { ...process.env, NODE_ENV: 'production' } },
  )
  const server = await preview({
    mode: 'demo',
    logLevel: 'error',
    build: { outDir },
    preview: { port: 0, host: 'localhost' },
  })
  return {
    url: server.resolvedUrls!.local[0]!,
    close: async () => {
      await server.close()
      await rm(outDir, { recursive: true })
    },
  }
}

/** A browser profile of its own, so that storage and service workers live as in a user's. */
export const openBrowser = async (): Promise<BrowserContext> => {
  const executablePath = process.env['QUIRE_CHROMIUM']
  return chromium.launchPersistentContext('', {
    args: chromiumArgs,
    ...(executablePath && { executablePath }),
  })
}

/** Asks in the open conversation and returns the finished answer's text. */
export const ask = async (page: Page, question: string): Promise<string> => {
  const answers = page.getByRole('article', { name: 'Assistant' })
  const before = await answers.count()
  const box = page.getByRole('textbox', { name: 'Message' })
  await box.fill(question)
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await answers.nth(before).waitFor({ timeout: 60_000 })
  await page
    .getByRole('button', { name: 'Stop', exact: true })
    .waitFor({ state: 'detached', timeout: 120_000 })
  return (await answers.last().textContent()) ?? ''
}
