/// <reference types="vite/client" />

// The DOM library that the page is checked with lacks the service worker's side of these types.
type ExtendableEvent = Event & { waitUntil(work: Promise<unknown>): void }
type FetchEvent = ExtendableEvent & {
  readonly request: Request
  respondWith(response: Promise<Response>): void
}
type KeepEvent = ExtendableEvent & MessageEvent<{ type: 'keep'; urls: string[] }>
type Scope = {
  readonly registration: { readonly scope: string }
  readonly clients: { claim(): Promise<void> }
  skipWaiting(): Promise<void>
  addEventListener(type: 'install' | 'activate', listener: (event: ExtendableEvent) => void): void
  addEventListener(type: 'fetch', listener: (event: FetchEvent) => void): void
  addEventListener(type: 'message', listener: (event: KeepEvent) => void): void
}
declare const self: Scope

// The build writes its file list here; served from source there is none.
declare const __QUIRE_BUILD__: { readonly version: string; readonly files: readonly string[] }
const build = typeof __QUIRE_BUILD__ === 'undefined' ? null : __QUIRE_BUILD__

const cachePrefix = 'quire-page-'
const cacheName = cachePrefix + (build?.version ?? 'source')
const { scope } = self.registration
const buildUrls = new Set(build?.files.map((file) => new URL(file, scope).href))

const install = async (): Promise<void> => {
  const cache = await caches.open(cacheName)
  // 'reload' goes around the HTTP cache, which may still hold the files of an older build.
  await cache.addAll([...buildUrls].map((url) => new Request(url, { cache: 'reload' })))
  await self.skipWaiting()
}

const activate = async (): Promise<void> => {
  const names = await caches.keys()
  const old = names.filter((name) => name.startsWith(cachePrefix) && name !== cacheName)
  await Promise.all(old.map((name) => caches.delete(name)))
  // Without this the first visit's page, and the engine's worker with it, stays uncontrolled.
  await self.clients.claim()
}

const withoutHash = (url: string): string => url.split('#')[0] ?? url

/** Answers a byte range out of a whole cached file: caches cannot hold partial responses. */
const slice = async (cached: Response, range: string): Promise<Response> => {
  const whole = await cached.blob()
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? []
  const start = from === '' ? whole.size - Number(to) : Number(from)
  const end = from === '' || to === '' ? whole.size : Math.min(Number(to) + 1, whole.size)
  if (!(start >= 0 && start < end)) {
    return new Response(null, {
      status: 416,
      headers: { 'content-range': `bytes */${whole.size}` },
    })
  }
  return new Response(whole.slice(start, end), {
    status: 206,
    headers: {
      'content-type': cached.headers.get('content-type') ?? 'application/octet-stream',
      'content-range': `bytes ${start}-${end - 1}/${whole.size}`,
      'content-length': String(end - start),
      'accept-ranges': 'bytes',
    },
  })
}

const fromCache = async (request: Request): Promise<Response | undefined> => {
  const cache = await caches.open(cacheName)
  const isPage = request.mode === 'navigate'
  const found =
    (await cache.match(withoutHash(request.url))) ??
    (isPage ? await cache.match(scope, { ignoreSearch: true }) : undefined)
  const range = request.headers.get('range')
  return found && range ? slice(found, range) : found
}

const modelFolder = new URL('starter-model/', scope).href
const isModelFile = (url: string): boolean => url.startsWith(modelFolder)

const hasModel = async (): Promise<boolean> => {
  const cache = await caches.open(cacheName)
  return (await cache.match(`${modelFolder}model.safetensors`)) !== undefined
}

/** The network's answer, kept for later; without a network what was kept. */
const fromNetwork = async (request: Request): Promise<Response> => {
  let response: Response
  try {
    response = await fetch(request)
  } catch (thrown) {
    const cached = await fromCache(request)
    if (cached) return cached
    // Loaders probe for optional files; beside a model that was kept whole, those do not exist.
    if (isModelFile(request.url) && (await hasModel())) return new Response(null, { status: 404 })
    throw thrown
  }
  // The engine keeps the model's files itself; a second copy would only take space.
  if (response.status === 200 && response.type === 'basic' && !isModelFile(request.url)) {
    const cache = await caches.open(cacheName)
    await cache.put(withoutHash(request.url), response.clone())
  }
  return response
}

const answer = async (request: Request): Promise<Response> => {
  const isFromBuild = buildUrls.has(withoutHash(request.url))
  return (isFromBuild ? await fromCache(request) : undefined) ?? fromNetwork(request)
}

/** Fetches what is not cached yet. Returns how many files could not be had. */
const keep = async (urls: readonly string[]): Promise<number> => {
  const cache = await caches.open(cacheName)
  const kept = await Promise.all(
    [...new Set(urls.map(withoutHash))].map(async (url) => {
      if (await cache.match(url)) return true
      return cache.add(url).then(
        () => true,
        () => false,
      )
    }),
  )
  return kept.filter((isKept) => !isKept).length
}

self.addEventListener('install', (event) => event.waitUntil(install()))
self.addEventListener('activate', (event) => event.waitUntil(activate()))
self.addEventListener('fetch', (event) => {
  const { request } = event
  // Chromium refuses to answer 'only-if-cached' for requests of another mode.
  const isOurs = request.url.startsWith(scope) && request.cache !== 'only-if-cached'
  if (request.method === 'GET' && isOurs) event.respondWith(answer(request))
})
self.addEventListener('message', (event) => {
  if (event.data.type !== 'keep') return
  const port = event.ports[0]
  event.waitUntil(keep(event.data.urls).then((missing) => port?.postMessage({ missing })))
})
