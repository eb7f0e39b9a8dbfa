/** The paths that a key guards; tokenising, health and metrics stay open, as in vLLM. */
const guarded = /^\/(v1|v2|inference|cohere)/

/** Looks at every character, so that the time it takes does not tell how many were right. */
const isSame = (given: string, expected: string): boolean => {
  let differences = given.length ^ expected.length
  for (let at = 0; at < expected.length; at += 1) {
    differences |= given.charCodeAt(at) ^ expected.charCodeAt(at)
  }
  return differences === 0
}

const bearerToken = (headers: Headers): string | null =>
  /^bearer (.*)$/is.exec(headers.get('authorization') ?? '')?.[1] ?? null

/**
 * vLLM's `--api-key`: whether a request may go on. A browser's preflight carries no key, so that
 * OPTIONS passes.
 */
export const isAuthorized = (request: Request, apiKey: string): boolean => {
  const { pathname } = new URL(request.url)
  if (request.method === 'OPTIONS' || !guarded.test(pathname)) return true
  const token = bearerToken(request.headers)
  return token !== null && isSame(token, apiKey)
}

/** vLLM's answer to a request without the key: here `error` is a bare string. */
export const unauthorized = (): Response =>
  Response.json({ error: 'Unauthorized' }, { status: 401 })
