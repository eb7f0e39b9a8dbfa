/** How ids of calls look that the model gives none. */
export type CallIds = 'chatcmpl-tool' | 'call' | 'alphanumeric'

export type WithIds<Format> = Format & { readonly ids: CallIds }

const alphanumeric = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

const hex = (length: number): string => {
  const bytes = crypto.getRandomValues(new Uint8Array(length))
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Nine letters and digits, each as likely as the others: bytes past the last whole round go. */
const createAlphanumericId = (): string => {
  const length = 9
  const numFair = 256 - (256 % alphanumeric.length)
  let id = ''
  while (id.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length - id.length))) {
      if (byte < numFair) id += alphanumeric.charAt(byte % alphanumeric.length)
    }
  }
  return id
}

const creators: Readonly<Record<CallIds, () => string>> = {
  'chatcmpl-tool': () => `chatcmpl-tool-${hex(8)}`,
  call: () => `call_${hex(16)}`,
  alphanumeric: createAlphanumericId,
}

/** An id for a call that the model gave none. */
export const createCallId = (ids: CallIds): string => creators[ids]()
