import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { EngineError } from '../errors.ts'
import type { FetchHandler } from '../server/create-fetch.ts'
import { withCors } from './cors.ts'
import { createListener } from './http-bridge.ts'

export type ServeOptions = {
  /** Default 127.0.0.1: this machine alone. `0.0.0.0` is every network that it is on. */
  readonly host?: string
  /** Default 8000; 0 for one that is free. */
  readonly port?: number
  /** Origins whose pages may ask, `*` (the default) for all. */
  readonly allowedOrigins?: readonly string[]
}

export type HttpServer = {
  /** Without a slash at its end, such as `http://127.0.0.1:8000`. */
  readonly url: string
  /**
   * Takes no new connections, lets the answers under way finish, and resolves when all are closed.
   *
   * @param graceMs Milliseconds after which those that still run are cut off; 0 for at once.
   */
  close(graceMs?: number): Promise<void>
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there. Stop it, or choose another port (0 for a free one)',
  EACCES: 'this user may not open it. Choose a port from 1024 on',
  EADDRNOTAVAIL: 'this machine has no such address. Use 127.0.0.1, or 0.0.0.0 for all networks',
  ERR_SOCKET_BAD_PORT: 'ports go from 0 (for a free one) to 65535',
  ENOTFOUND: 'no such host is known. Use 127.0.0.1, or 0.0.0.0 for all networks',
}

const cannotListen = (host: string, port: number, thrown: NodeJS.ErrnoException): EngineError => {
  const reason = reasons[thrown.code ?? ''] ?? thrown.message
  return new EngineError('network', `Could not listen on ${host}, port ${port}: ${reason}.`, {
    details: { host, port },
    cause: thrown,
  })
}

const toUrl = ({ address, family, port }: AddressInfo): string =>
  `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`

/**
 * Serves a handler, such as an engine's `fetch`, over HTTP.
 *
 * @throws EngineError `network` where the address can't be listened on.
 */
export const serve = async (
  handle: FetchHandler,
  { host = '127.0.0.1', port = 8000, allowedOrigins = ['*'] }: ServeOptions = {},
): Promise<HttpServer> => {
  const listener = createListener(withCors(handle, allowedOrigins))
  let isClosing = false
  const server = createServer((incoming, outgoing) => {
    if (isClosing) outgoing.setHeader('connection', 'close')
    outgoing.on('finish', () => {
      // Connections that are kept for a next request would hold a closing server open.
      if (isClosing) setImmediate(() => server.closeIdleConnections())
    })
    void listener(incoming, outgoing)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  }).catch((thrown: NodeJS.ErrnoException) => {
    throw cannotListen(host, port, thrown)
  })
  return {
    url: toUrl(server.address() as AddressInfo),
    close: (graceMs = 0) =>
      new Promise((resolve) => {
        isClosing = true
        const cutOff = setTimeout(() => server.closeAllConnections(), graceMs)
        server.close(() => {
          clearTimeout(cutOff)
          resolve()
        })
      }),
  }
}
