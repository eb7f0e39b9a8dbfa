import type { FetchHandler } from '../server/create-fetch.ts'
import { version } from '../version.ts'
import type { Engine } from '../worker/engine-client.ts'
import { type OptionTable, readCommandLine } from './command-line.ts'
import { createEngine, type CreateEngineOptions } from './create-engine.ts'
import { watchInterrupts } from './interrupts.ts'
import { modelOptions, parserName, toEngineOptions, withoutUndefined } from './model-options.ts'
import { count, list, number, text } from './option-values.ts'
import { createProgressLine, type Output } from './progress-line.ts'
import { type HttpServer, serve } from './serve.ts'
import type { Streams } from './streams.ts'
import { UsageError } from './usage-error.ts'

export const serveOptions = {
  ...modelOptions,
  host: { value: 'HOST', read: text, help: 'default 127.0.0.1; 0.0.0.0 for all networks' },
  port: { value: 'PORT', read: count, help: 'default 8000; 0 for a free one' },
  'served-model-name': { value: 'NAME', read: text, help: 'the "model" of requests' },
  'api-key': {
    value: 'KEY',
    read: text,
    help: 'asked of requests to /v1; else VLLM_API_KEY',
  },
  'allowed-origins': {
    value: 'LIST',
    read: list,
    help: 'origins whose pages may ask, default * for all',
  },
  'tool-call-parser': {
    value: 'NAME',
    read: text,
    help: "vLLM's name, or none; found by itself unless given",
  },
  'enable-auto-tool-choice': { help: 'on in any case where there is a parser' },
  'enable-request-id-headers': { help: 'answers carry the X-Request-Id of their request' },
  'enable-responses-store': {
    help: 'keeps responses, as VLLM_ENABLE_RESPONSES_API_STORE=1 does',
  },
  'shutdown-timeout': {
    value: 'SECONDS',
    read: number,
    help: 'for running answers to finish at Ctrl-C or SIGTERM, default 30',
  },
} satisfies OptionTable

/** Until the model is there. A client that waits for `/health` to be 200 needs no other sign. */
const whileLoading: FetchHandler = async () => {
  const message = 'The model is still loading. Try again when GET /health answers 200.'
  const error = { message, type: 'ServiceUnavailableError', param: null, code: 503 }
  return Response.json({ error }, { status: 503, headers: { 'retry-after': '1' } })
}

const readOptions = (given: readonly string[]) => {
  const { options, words } = readCommandLine(given, serveOptions)
  const [model, ...more] = options.model === undefined ? words : [options.model, ...words]
  if (more.length > 0) {
    throw new UsageError(`serve takes one model, got ${[model, ...more].join(', ')} as well.`)
  }
  return { ...options, ...(model === undefined ? {} : { model }) }
}

type ServeValues = ReturnType<typeof readOptions>

const listen = (options: ServeValues, handle: FetchHandler): Promise<HttpServer> =>
  serve(
    handle,
    withoutUndefined({
      host: options.host,
      port: options.port,
      allowedOrigins: options['allowed-origins'],
    }),
  )

const load = (
  options: ServeValues,
  watch: Pick<CreateEngineOptions, 'signal' | 'onProgress'>,
): Promise<Engine> =>
  createEngine({
    ...toEngineOptions(options),
    ...withoutUndefined({
      servedModelName: options['served-model-name'],
      toolParser: parserName(options['tool-call-parser']),
      apiKey: options['api-key'] || process.env['VLLM_API_KEY'] || undefined,
      enableRequestIdHeaders: options['enable-request-id-headers'],
      enableResponsesStore:
        options['enable-responses-store'] ||
        process.env['VLLM_ENABLE_RESPONSES_API_STORE'] === '1' ||
        undefined,
    }),
    ...watch,
  })

const stopped = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

const shutDown = async (
  engine: Engine,
  server: HttpServer,
  { stderr, graceSeconds }: { readonly stderr: Output; readonly graceSeconds: number },
): Promise<void> => {
  const { numRunning, numWaiting } = await engine.stats()
  const numOpen = numRunning + numWaiting
  if (numOpen > 0) {
    stderr.write(`${numOpen} running, with ${graceSeconds} s to finish. Stop again to end now.\n`)
  }
  await server.close(graceSeconds * 1000)
  await engine.dispose()
}

/** `quire-llm serve`: answers over HTTP until it is told to stop. Resolves to the exit code. */
export const serveCommand = async (
  given: readonly string[],
  { stdout, stderr }: Streams,
): Promise<number> => {
  const options = readOptions(given)
  // Before the port is taken, what is wrong with the other options.
  toEngineOptions(options)
  const interrupts = watchInterrupts()
  const { signal } = interrupts
  const progress = createProgressLine(stderr)
  let handle = whileLoading
  try {
    // The port first: whether it is free should not turn out after a long download.
    const server = await listen(options, (request) => handle(request))
    const engine = await load(options, { signal, onProgress: progress.update })
    handle = engine.fetch
    progress.clear()
    stderr.write(`Quire ${version} serves ${engine.model} on ${(await engine.stats()).adapter}\n`)
    stdout.write(`${server.url}/v1\n`)
    await stopped(signal)
    await shutDown(engine, server, { stderr, graceSeconds: options['shutdown-timeout'] ?? 30 })
    return 0
  } catch (thrown) {
    if (!signal.aborted) throw thrown
    return interrupts.exitCode()
  } finally {
    progress.clear()
    interrupts.release()
  }
}
