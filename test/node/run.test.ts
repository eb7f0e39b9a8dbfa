import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildCli, type Cli, type Finished, runCli, starterModel } from './cli.ts'

let cli: Cli

beforeAll(async () => {
  cli = await buildCli()
})

afterAll(() => cli.remove())

const run = (given: readonly string[], options: Parameters<typeof runCli>[2] = {}) =>
  runCli(cli, ['run', '--model', starterModel, '--temperature', '0', ...given], options)

const problem = ({ stderr }: Finished) => stderr.trimEnd().split('\n').at(-1)

it('writes the answer, and nothing else, to stdout', async () => {
  const { code, stdout, stderr } = await run(['What is', 'a quire?'])
  expect(stdout).toMatch(/^Quire is an LLM engine [^\n]*\.\n$/)
  expect(code).toBe(0)
  expect(stderr).toContain('Ready')
})

it('reads the prompt from stdin', async () => {
  const { stdout } = await run([], { input: 'What is a quire?\n' })
  expect(stdout).toMatch(/^Quire is an LLM engine/)
  expect(await run([], { input: '\n' })).toMatchObject({ code: 2, stdout: '' })
})

it('gives the whole reply as JSON, a refusal as well', async () => {
  const { stdout } = await run(['-', '--json', '--max-tokens', '3'], { input: 'Hi' })
  expect(JSON.parse(stdout)).toMatchObject({
    object: 'chat.completion',
    choices: [{ finish_reason: 'length' }],
    usage: { completion_tokens: 3 },
  })
  const refused = await run(['Hi', '--json', '--max-tokens', '0'])
  expect(refused.code).toBe(1)
  expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 400 } })
})

const sum = ['What is 17 + 25?', '--system', 'You add numbers.']

it('says when the answer was cut, and keeps reasoning to itself', async () => {
  const { code, stderr } = await run([...sum, '--max-tokens', '8'])
  expect(code).toBe(0)
  expect(stderr.split('Ready\n')[1]).toBe('(The answer was cut at its longest.)\n')
})

it('shows reasoning on stderr where that is asked for', async () => {
  const { stdout, stderr } = await run([...sum, '--show-reasoning'])
  expect(stderr.split('Ready\n')[1]).toMatch(/17/)
  expect(stdout).toMatch(/42/)
  expect(stdout).not.toContain('think>')
})

it('explains what can not be', async () => {
  const refused = await run(['Hi', '--max-tokens', '99999'])
  expect(refused.code).toBe(1)
  expect(problem(refused)).toMatch(/^quire-llm: .*max_model_len.*2048/)
  const unknown = await run(['Hi', '--tempreature', '1'])
  expect(unknown.code).toBe(2)
  expect(problem(unknown)).toBe(
    'quire-llm: There is no option --tempreature. Did you mean --temperature?',
  )
  const withoutDriver = await run(['Hi'], { env: { VK_ICD_FILENAMES: '/nowhere' } })
  expect(withoutDriver.code).toBe(1)
  expect(problem(withoutDriver)).toMatch(/^quire-llm: WebGPU \(Dawn\) finds no GPU adapter here/)
})

it('says how to get WebGPU where its package is missing', async () => {
  const elsewhere = await mkdtemp(join(tmpdir(), 'quire-cli-'))
  await cp(dirname(cli.path), elsewhere, { recursive: true })
  const path = join(elsewhere, 'cli.js')
  const ended = await runCli({ ...cli, path }, ['run', 'Hi', '--model', starterModel])
  await rm(elsewhere, { recursive: true })
  expect(ended.code).toBe(1)
  expect(problem(ended)).toMatch(/^quire-llm: In Node, .* not installed\. .*: npm install webgpu$/)
})

it('stops at Ctrl-C', async () => {
  const { code, stdout } = await run(['Hi'], {
    whileRunning: (child) => {
      child.stderr?.once('data', () => child.kill('SIGINT'))
    },
  })
  expect([code, stdout]).toEqual([130, ''])
})

it('keeps a model from the network, and answers without it later', async () => {
  const server = createServer((request, response) => {
    readFile(join(starterModel, request.url ?? '')).then(
      (bytes) => response.setHeader('etag', `"${bytes.length}"`).end(bytes),
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const downloadDir = await mkdtemp(join(tmpdir(), 'quire-models-'))
  const model = ['--model', `http://127.0.0.1:${port}/`, '--download-dir', downloadDir]
  const ask = () => run(['What is a quire?', ...model])
  try {
    const first = await ask()
    expect(first.stderr).toContain('Downloading model.safetensors')
    expect(first.stdout).toMatch(/^Quire is an LLM engine/)
    await new Promise((resolve) => server.close(resolve))
    const second = await ask()
    expect(second.stderr).not.toContain('Downloading')
    expect(second.stdout).toBe(first.stdout)
  } finally {
    server.close()
    await rm(downloadDir, { recursive: true })
  }
})
