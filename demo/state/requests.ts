import { signal } from '@preact/signals'

/** Which conversation a request of the engine belongs to, by the id of its reply. */
const owners = signal<ReadonlyMap<string, string>>(new Map())

const rememberedRequests = 64

/** Replies are named `chatcmpl-<id>`, and an engine may count choices behind the id. */
const bareId = (requestId: string): string =>
  requestId.replace(/^(?:chat)?cmpl-/, '').replace(/-\d+$/, '')

export const claimRequest = (requestId: string, conversationId: string): void => {
  const id = bareId(requestId)
  if (owners.peek().get(id) === conversationId) return
  const entries = [...owners.peek(), [id, conversationId] as const]
  owners.value = new Map(entries.slice(-rememberedRequests))
}

export const ownerOf = (requestId: string): string | undefined =>
  owners.value.get(bareId(requestId))
