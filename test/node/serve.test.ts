import { spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  buildCli,
  type Cli,
  findFreePort,
  longChat,
  missingProgram,
  postJson,
  readAborted,
  readMetric,
  runCli,
  type Server,
  starterModel,
  startServer,
} from './cli.ts'

let cli: Cli
let server: Server

beforeAll(async () => {
  cli = await buildCli()
  server = await startServer(cli, ['--served-model-name', 'starter'])
})

afterAll(async () => {
  await server.stop()
  await cli.remove()
})

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

const numRunning = () => readMetric(server.url, 'num_requests_running')

const untilRunning = (count: number) => expect.poll(numRunning, { interval: 20 }).toBe(count)

const question = [{ role: 'user', content: 'What is a quire?' }]

const curl = missingProgram('curl', ['--version'], 'curl')
const python = missingProgram('python3', ['-c', 'import openai'], "Python's package openai")

/** What curl wrote, piece by piece, and when. */
const runCurl = (path: string, body: object) =>
  new Promise<{ text: string; at: number }[]>((resolve) => {
    const json = ['-H', 'content-type: application/json', '-d', JSON.stringify(body)]
    const child = spawn('curl', ['-sN', `${server.url}${path}`, ...json])
    const pieces: { text: string; at: number }[] = []
    child.stdout.on('data', (chunk) => pieces.push({ text: String(chunk), at: performance.now() }))
    child.on('close', () => resolve(pieces))
  })

describe('clients of other languages', () => {
  it.skipIf(curl)('curl -N shows tokens as they come', async () => {
    const pieces = await runCurl('/chat/completions', longChat(200))
    const text = pieces.map((piece) => piece.text).join('')
    expect(text).toMatch(/^data: \{"id":"chatcmpl-.*\n\ndata: \[DONE\]\n\n$/s)
    expect(pieces.length).toBeGreaterThan(20)
    // Not all at the end: half of the time passes after the first tenth of the pieces.
    const [first, last] = [pieces[0]!.at, pieces.at(-1)!.at]
    expect(pieces[Math.floor(pieces.length / 10)]!.at).toBeLessThan((first + last) / 2)
  })

  it.skipIf(curl)('curl gets text alone where it asks for it', async () => {
    const body = { messages: question, stream: true, temperature: 0 }
    const pieces = await runCurl('/chat/completions?format=text', body)
    const lines = pieces.map((piece) => piece.text).join('')
    expect(lines).toMatch(/^data: [^{]*\n\ndata: \[DONE\]\n\n$/s)
    const text = lines.split('\n\n').map((frame) => frame.replaceAll(/^data: /gm, ''))
    expect(text.slice(0, -2).join('')).toContain('Quire is')
  })

  it.skipIf(python)('the openai package for Python chats, streams and gets errors', async () => {
    const script = `
import openai
client = openai.OpenAI(base_url='${server.url}', api_key='none')
messages = [{'role': 'user', 'content': 'What is a quire?'}]
whole = client.chat.completions.create(model='starter', messages=messages, temperature=0)
parts = client.chat.completions.create(model='starter', messages=messages, temperature=0, stream=True)
text = ''.join(part.choices[0].delta.content or '' for part in parts)
assert text == whole.choices[0].message.content, (text, whole)
assert [model.id for model in client.models.list()] == ['starter']
try:
    client.chat.completions.create(model='other', messages=messages)
except openai.NotFoundError as error:
    print('404', error.body['message'])
`
    const child = spawn('python3', ['-c', script])
    let text = ''
    child.stdout.on('data', (chunk) => (text += String(chunk)))
    child.stderr.on('data', (chunk) => (text += String(chunk)))
    await new Promise((resolve) => child.on('close', resolve))
    expect(text).toBe('404 The model `other` does not exist.\n')
  })
})

it('holds answers to a form in a thread of its own, which ends with the server', async () => {
  const own = await startServer(cli)
  const ask = async (form: object) => {
    const body = { messages: question, max_tokens: 20, structured_outputs: form }
    return (await postJson(`${own.url}/chat/completions`, body)).json()
  }
  const { choices } = (await ask({ choice: ['forty-two'] })) as {
    choices: { message: { content: string } }[]
  }
  expect(choices[0]?.message.content).toBe('forty-two')
  expect(await ask({ grammar: 'root ::= "a' })).toMatchObject({
    error: { code: 400, message: expect.stringContaining('line 1, column 12') },
  })
  own.child.kill('SIGTERM')
  expect(await own.finished).toMatchObject({ code: 0 })
})

describe('a client that goes away', () => {
  it('frees its sequence at once', async () => {
    const client = new AbortController()
    const { signal } = client
    const answer = await postJson(`${server.url}/chat/completions`, longChat(1900), { signal })
    await answer.body!.getReader().read()
    await untilRunning(1)
    const before = await readAborted(server.url)
    client.abort()
    await untilRunning(0)
    expect(await readAborted(server.url)).toBe(before + 1)
  })

  it('frees it as well where nothing streams', async () => {
    const client = new AbortController()
    const body = { ...longChat(1900), stream: false }
    const answer = postJson(`${server.url}/chat/completions`, body, { signal: client.signal })
    await untilRunning(1)
    const before = await readAborted(server.url)
    client.abort()
    await expect(answer).rejects.toThrow()
    await untilRunning(0)
    expect(await readAborted(server.url)).toBe(before + 1)
  })
})

describe('the command', () => {
  it('has no guard and lets all pages in unless it is told otherwise', async () => {
    const { headers } = await fetch(`${server.url}/models`, { headers: { origin: 'https://a.b' } })
    expect(headers.get('access-control-allow-origin')).toBe('*')
  })

  it('finds out about its port before it loads', async () => {
    const { port } = new URL(server.url)
    const ended = await runCli(cli, ['serve', starterModel, '--port', port])
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toMatch(/^quire-llm: Could not listen on 127.0.0.1, port \d+: another/)
  })

  it('names a model that is not there', async () => {
    const ended = await runCli(cli, ['serve', './nowhere', '--port', '0'])
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('There is nothing at ./nowhere.')
  })

  it('says on /health when it is ready, guards /v1 and stops gracefully', async () => {
    const port = await findFreePort()
    const url = `http://127.0.0.1:${port}`
    const flags = [
      '--port',
      String(port),
      '--api-key',
      'secret',
      '--allowed-origins',
      'https://a.b',
    ]
    const starting = startServer(cli, flags)
    const seen = new Set<number>()
    while (!seen.has(200)) {
      seen.add(
        await fetch(`${url}/health`).then(
          ({ status }) => status,
          () => 0,
        ),
      )
      await wait(50)
    }
    expect([...seen]).toEqual([0, 503, 200])
    const guarded = await starting
    await checkGuards(url)
    const headers = { authorization: 'Bearer secret' }
    const answer = await postJson(`${url}/v1/chat/completions`, longChat(600), { headers })
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = (await reader.read()).value ?? ''
    guarded.child.kill('SIGTERM')
    const isRefused = () =>
      fetch(url, { headers: { connection: 'close' } }).then(
        () => false,
        () => true,
      )
    await expect.poll(isRefused, { interval: 20 }).toBe(true)
    for (let next = await reader.read(); !next.done; next = await reader.read()) text += next.value
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
    expect(await guarded.finished).toMatchObject({ code: 0, stdout: `${url}/v1\n` })
  })

  it('ends at once at the second signal', async () => {
    const hurried = await startServer(cli)
    const answer = await postJson(`${hurried.url}/chat/completions`, longChat(1900))
    await answer.body!.getReader().read()
    hurried.child.kill('SIGINT')
    await wait(200)
    expect(hurried.child.exitCode).toBeNull()
    hurried.child.kill('SIGINT')
    expect((await hurried.finished).code).toBe(130)
  })
})

const checkGuards = async (url: string) => {
  const refused = await fetch(`${url}/v1/models`)
  expect([refused.status, await refused.text()]).toEqual([401, '{"error":"Unauthorized"}'])
  const headers = { authorization: 'Bearer secret' }
  expect((await fetch(`${url}/v1/models`, { headers })).status).toBe(200)
  const asked = { 'access-control-request-method': 'POST' }
  const preflight = (origin: string) =>
    fetch(`${url}/v1/chat/completions`, { method: 'OPTIONS', headers: { ...asked, origin } })
  expect((await preflight('https://a.b')).headers.get('access-control-allow-origin')).toBe(
    'https://a.b',
  )
  expect((await preflight('https://c.d')).status).toBe(400)
}
