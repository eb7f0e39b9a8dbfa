import { computed, effect, signal, type Signal } from '@preact/signals'

export type Theme = 'system' | 'light' | 'dark'

const prefix = 'quire:'

/** A signal that localStorage remembers; a browser that refuses storage only forgets. */
const remembered = <T extends string>(
  name: string,
  fallback: T,
  allowed?: readonly T[],
): Signal<T> => {
  let stored: string | null = null
  try {
    stored = localStorage.getItem(prefix + name)
  } catch {
    // Storage is blocked: the setting lasts as long as the page.
  }
  const isAllowed = stored !== null && (!allowed || allowed.some((value) => value === stored))
  const value = signal(isAllowed ? (stored as T) : fallback)
  effect(() => {
    const current = value.value
    try {
      localStorage.setItem(prefix + name, current)
    } catch {
      // As above.
    }
  })
  return value
}

const switches = ['on', 'off'] as const
export type Switch = (typeof switches)[number]

export const theme = remembered<Theme>('theme', 'system', ['system', 'light', 'dark'])
export const toolsSwitch = remembered<Switch>('tools', 'on', switches)
export const thinkingSwitch = remembered<Switch>('thinking', 'on', switches)
export const panelSwitch = remembered<Switch>('panel', 'off', switches)

/** A Hugging Face repository or a URL; empty for the starter model beside the page. */
export const modelSource = remembered<string>('model', '')

export const flip = (value: Signal<Switch>): void => {
  value.value = value.value === 'on' ? 'off' : 'on'
}

const darkQuery = matchMedia('(prefers-color-scheme: dark)')
export const prefersDark = signal(darkQuery.matches)
darkQuery.addEventListener('change', () => {
  prefersDark.value = darkQuery.matches
})
export const isDark = computed(() =>
  theme.value === 'system' ? prefersDark.value : theme.value === 'dark',
)

effect(() => {
  const root = document.documentElement
  if (theme.value === 'system') delete root.dataset['theme']
  else root.dataset['theme'] = theme.value
})
