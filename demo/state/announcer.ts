import { signal } from '@preact/signals'

/** What the page's one polite live region says: whole answers and events, never single tokens. */
export const announcement = signal('')

const longest = 400

export const announce = (text: string): void => {
  announcement.value = text.length > longest ? `${text.slice(0, longest)}…` : text
}
