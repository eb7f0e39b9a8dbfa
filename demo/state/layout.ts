import { signal } from '@preact/signals'

const narrowQuery = matchMedia('(max-width: 899px)')

/** True where side columns become drawers. */
export const isNarrow = signal(narrowQuery.matches)
narrowQuery.addEventListener('change', () => {
  isNarrow.value = narrowQuery.matches
  if (!narrowQuery.matches) drawer.value = null
})

/** The drawer that covers the page on a narrow screen. */
export const drawer = signal<'sidebar' | 'panel' | null>(null)
export const isSettingsOpen = signal(false)

export const messageBoxId = 'message-box'

export const focusMessageBox = (): void => {
  // After the next paint: the box of a new conversation is not in the page yet.
  requestAnimationFrame(() => document.getElementById(messageBoxId)?.focus())
}
