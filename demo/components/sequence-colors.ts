import { conversations, paletteSize } from '../state/conversations.ts'
import { ownerOf } from '../state/requests.ts'

/** A request's place in the palette: its conversation's, else one that follows from its name. */
export const colorOf = (requestId: string): number => {
  const owner = ownerOf(requestId)
  const conversation = conversations.value.find(({ id }) => id === owner)
  if (conversation) return conversation.color
  let sum = 0
  for (const character of requestId) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 9973
  return sum % paletteSize
}

/** What people call a request: its conversation's title, else the end of its id. */
export const nameOf = (requestId: string): string => {
  const owner = ownerOf(requestId)
  const conversation = conversations.value.find(({ id }) => id === owner)
  return conversation?.title.value ?? `Request ${requestId.slice(-6)}`
}
