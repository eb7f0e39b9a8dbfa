import { signal } from '@preact/signals'

/** Which conversation a request belongs to, by the id that its reply carries. */
const owners = signal<ReadonlyMap<string, string>>(new Map())

const rememberedRequests = 64

/**
 * A new id for the X-Request-Id header. vLLM, and so Quire, names the reply `chatcmpl-<id>`, which
 * makes a request known in the engine panel while it still waits.
 */
export const claimRequestId = (conversationId: string): string => {
  const id = crypto.randomUUID()
  const entries = [...owners.peek(), [`chatcmpl-${id}`, conversationId] as const]
  owners.value = new Map(entries.slice(-rememberedRequests))
  return id
}

/** The engine counts a reply's choices behind the reply's id. */
export const ownerOf = (requestId: string): string | undefined => {
  for (const [replyId, conversationId] of owners.value) {
    if (requestId === replyId || requestId.startsWith(`${replyId}-`)) return conversationId
  }
  return undefined
}
