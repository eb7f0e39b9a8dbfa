import { engineState, modelLabel } from '../state/engine.ts'
import { drawer, isNarrow, isSettingsOpen } from '../state/layout.ts'
import { flip, isDark, panelSwitch, prefersDark, theme } from '../state/settings.ts'
import { IconButton } from './icon-button.tsx'

const phaseWords = { loading: 'loading', ready: 'ready', failed: 'not loaded' } as const

const toggleTheme = (): void => {
  const next = isDark.peek() ? 'light' : 'dark'
  // Back to following the system where that gives the same.
  theme.value = (next === 'dark') === prefersDark.peek() ? 'system' : next
}

const togglePanel = (): void => {
  if (isNarrow.peek()) drawer.value = drawer.peek() === 'panel' ? null : 'panel'
  else flip(panelSwitch)
}

export const TopBar = () => {
  const { phase } = engineState.value
  const isPanelOpen = isNarrow.value ? drawer.value === 'panel' : panelSwitch.value === 'on'
  return (
    <header class="top-bar">
      {isNarrow.value && (
        <IconButton
          icon="menu"
          label="Open chats"
          onClick={() => {
            drawer.value = 'sidebar'
          }}
        />
      )}
      <button
        type="button"
        class="model-chip"
        onClick={() => {
          isSettingsOpen.value = true
        }}
      >
        <span class={`lamp is-${phase}`} aria-hidden="true" />
        <span class="model-name">{modelLabel()}</span>
        <span class="model-phase">{phaseWords[phase]}</span>
      </button>
      <span class="spacer" />
      <IconButton
        icon={isDark.value ? 'light' : 'dark'}
        label="Switch light and dark"
        onClick={toggleTheme}
      />
      <IconButton
        icon="settings"
        label="Settings"
        onClick={() => {
          isSettingsOpen.value = true
        }}
      />
      <IconButton icon="blocks" label="Engine panel" pressed={isPanelOpen} onClick={togglePanel} />
    </header>
  )
}
