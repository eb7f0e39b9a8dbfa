import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'

export const starterModel = 'demo/public/starter-model'

export type Cli = {
  /** The built program. */
  readonly path: string
  remove(): Promise<void>
}

/** Builds the library as `npm run build` does, within the project, where `webgpu` is found. */
export const buildCli = async (): Promise<Cli> => {
  await mkdir('.cache', { recursive: true })
  const outDir = await mkdtemp(join('.cache', 'cli-'))
  await promisify(execFile)(
    'npx',
    ['vite', 'build', '--mode', 'library', '--outDir', outDir, '--emptyOutDir'],
    { env: { ...process.env, NODE_ENV: 'production' } },
  )
  return { path: join(outDir, 'cli.js'), remove: () => rm(outDir, { recursive: true }) }
}

export type Finished = {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const collect = (child: ChildProcess) => {
  const text = { stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk) => (text.stdout += String(chunk)))
  child.stderr?.on('data', (chunk) => (text.stderr += String(chunk)))
  const finished = new Promise<Finished>((resolve) => {
    child.on('close', (code) => resolve({ code, ...text }))
  })
  return { text, finished }
}

/** Runs the program to its end. `whileRunning` gets it as soon as it runs. */
export const runCli = (
  cli: Cli,
  given: readonly string[],
  { input = '', env = {}, whileRunning = (_child: ChildProcess) => {} } = {},
): Promise<Finished> => {
  const child = spawn(process.execPath, [cli.path, ...given], { env: { ...process.env, ...env } })
  const { finished } = collect(child)
  child.stdin.end(input)
  whileRunning(child)
  return finished
}

export type Server = {
  /** With `/v1` at its end. */
  readonly url: string
  readonly child: ChildProcess
  readonly finished: Promise<Finished>
  /** Kills what still runs. */
  stop(): Promise<void>
}

/** `quire-llm serve` with the starter model, once it says that it is ready. */
export const startServer = async (cli: Cli, given: readonly string[] = []): Promise<Server> => {
  const model = ['--model', starterModel, '--port', '0']
  const child = spawn(process.execPath, [cli.path, 'serve', ...model, ...given])
  const { text, finished } = collect(child)
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', () => {
      if (text.stdout.includes('\n')) resolve(text.stdout.trim())
    })
    child.on('close', () => reject(new Error(`The server ended: ${text.stderr}`)))
  })
  const stop = async () => {
    child.kill('SIGKILL')
    await finished
  }
  return { url, child, finished, stop }
}

export const findFreePort = async (): Promise<number> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

export const postJson = (
  url: string,
  body: object,
  init: { readonly signal?: AbortSignal; readonly headers?: Record<string, string> } = {},
): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    body: JSON.stringify(body),
    ...init,
    headers: { 'content-type': 'application/json', ...init.headers },
  })

/** The value of the first line of `/metrics` that begins as `line`, a regular expression, says. */
export const readMetric = async (url: string, line: string): Promise<number> => {
  const metrics = await (await fetch(new URL('/metrics', url))).text()
  return Number(new RegExp(`^vllm:${line}.* (.*)$`, 'm').exec(metrics)?.[1])
}

/** How many answers were given up before their ends. */
export const readAborted = (url: string): Promise<number> =>
  readMetric(url, 'request_success_total\\{.*finished_reason="abort"')

/** A chat whose answer has exactly so many tokens. */
export const longChat = (tokens: number) => ({
  messages: [{ role: 'user', content: 'What is a quire?' }],
  stream: true,
  ignore_eos: true,
  max_tokens: tokens,
})

/** Why a program that a test needs can't be used; null where it can. */
export const missingProgram = (
  command: string,
  given: readonly string[],
  what: string,
): string | null => {
  const { status } = spawnSync(command, given)
  if (status === 0) return null
  console.log(`Skipped: ${what} is not installed.`)
  return what
}
