/** Random hexadecimal digits: `numDigits` is even. */
export const randomHex = (numDigits: number): string =>
  [...crypto.getRandomValues(new Uint8Array(numDigits / 2))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')

/** The id of a reply: the client's own request id where it gave one, by header or by field. */
export const responseId = (
  prefix: string,
  headers: Headers,
  requestId: string | null | undefined,
): string => `${prefix}-${headers.get('x-request-id') ?? requestId ?? randomHex(16)}`

/** Tells replies of differently set up servers apart: version and model, hashed with FNV-1a. */
export const systemFingerprint = (version: string, modelId: string): string => {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(modelId)) hash = Math.imul(hash ^ byte, 0x01000193)
  return `quire-${version}-${(hash >>> 0).toString(16).padStart(8, '0')}`
}

export const nowInSeconds = (): number => Math.floor(Date.now() / 1000)
