export type ServerFile = {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly etag?: string
  readonly type?: string
}

export type ServedRequest = {
  readonly url: string
  readonly method: string
  readonly range: string | null
}

/** How the server misbehaves, changeable between requests. */
export type Faults = {
  /** Bodies break after this many bytes, while the count below lasts. */
  breakAfter: number
  breaks: number
  /** Every request fails to connect. */
  offline: boolean
  /** Byte ranges are ignored. */
  noRanges: boolean
  /** Content-Range is hidden, as from another origin. */
  hiddenRange: boolean
  /** No size is told. */
  noLength: boolean
  /** Answers with this status, while the count lasts. */
  status: number
  statuses: number
  /** A missing file is answered by a page and status 200. */
  pageForMissing: boolean
}

/** A static file server behind `fetch`, by URL. */
export const memoryServer = (files: Map<string, ServerFile>) => {
  const requests: ServedRequest[] = []
  const faults: Faults = {
    breakAfter: 0,
    breaks: 0,
    offline: false,
    noRanges: false,
    hiddenRange: false,
    noLength: false,
    status: 503,
    statuses: 0,
    pageForMissing: false,
  }
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    const { url, method } = request
    const range = request.headers.get('range')
    requests.push({ url, method, range })
    request.signal.throwIfAborted()
    if (faults.offline) throw new TypeError('fetch failed')
    if (faults.statuses-- > 0) return new Response('busy', { status: faults.status })
    const file = files.get(url)
    if (file) return answer(file, { method, range, faults })
    if (!faults.pageForMissing) return new Response('no such file', { status: 404 })
    const headers = { 'content-type': 'text/html; charset=utf-8' }
    return new Response('<!doctype html><title>app</title>', { headers })
  }
  return { fetch, requests, faults }
}

type Asked = { method: string; range: string | null; faults: Faults }

const answer = (file: ServerFile, { method, range, faults }: Asked): Response => {
  const { bytes, etag, type = 'application/octet-stream' } = file
  const headers = new Headers({ 'content-type': type })
  if (etag) headers.set('etag', etag)
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? []
  const ranged = first !== undefined && !faults.noRanges
  const start = ranged ? Number(first) : 0
  if (start > bytes.length) return new Response(null, { status: 416 })
  const end = ranged && last ? Math.min(Number(last) + 1, bytes.length) : bytes.length
  if (!faults.noLength) headers.set('content-length', String(end - start))
  if (ranged && !faults.hiddenRange) {
    headers.set('content-range', `bytes ${start}-${end - 1}/${bytes.length}`)
  }
  const status = ranged ? 206 : 200
  if (method === 'HEAD') return new Response(null, { status: 200, headers })
  const part = bytes.slice(start, end)
  const isBroken = faults.breaks > 0 && part.length > faults.breakAfter
  if (isBroken) faults.breaks--
  return new Response(isBroken ? breakingBody(part, faults.breakAfter) : part, { status, headers })
}

const breakingBody = (bytes: Uint8Array<ArrayBuffer>, after: number) => {
  let sent = false
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => {
      if (sent) return controller.error(new TypeError('network error'))
      sent = true
      controller.enqueue(bytes.slice(0, after))
    },
  })
}
