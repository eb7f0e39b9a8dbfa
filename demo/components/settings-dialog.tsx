import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { loadEngine } from '../state/engine.ts'
import { isSettingsOpen } from '../state/layout.ts'
import { modelSource, theme, type Theme } from '../state/settings.ts'

const themes: readonly (readonly [Theme, string])[] = [
  ['system', 'As the system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
]

const looksLikeModel = (source: string): boolean =>
  /^https?:\/\/\S+$/.test(source) || /^[\w.-]+\/[\w.-]+$/.test(source)

const close = (): void => {
  isSettingsOpen.value = false
}

const load = (source: string): void => {
  modelSource.value = source
  close()
  void loadEngine()
}

const ModelField = () => {
  const text = useSignal(modelSource.peek())
  const problem = useSignal('')
  const submit = (event: Event) => {
    event.preventDefault()
    const source = text.peek().trim()
    if (source !== '' && !looksLikeModel(source)) {
      problem.value = 'Write it as owner/name, for example Qwen/Qwen3-0.6B, or as a URL.'
      return
    }
    load(source)
  }
  return (
    <form onSubmit={submit}>
      <label for="model-source">Model</label>
      <input
        id="model-source"
        value={text.value}
        placeholder="Starter model"
        autocomplete="off"
        spellcheck={false}
        aria-describedby="model-help"
        aria-invalid={problem.value !== ''}
        onInput={(event) => {
          text.value = event.currentTarget.value
          problem.value = ''
        }}
      />
      <p id="model-help" class={problem.value === '' ? 'help' : 'help is-error'} role="status">
        {problem.value ||
          'A Hugging Face repository such as Qwen/Qwen3-0.6B, or the URL of a folder. Its files are downloaded once and kept. Empty means the starter model that comes with this page.'}
      </p>
      <div class="actions">
        <button type="submit" class="solid">
          Load model
        </button>
        {modelSource.value !== '' && (
          <button type="button" class="quiet" onClick={() => load('')}>
            Back to the starter model
          </button>
        )}
      </div>
    </form>
  )
}

const ThemeChoice = () => (
  <fieldset>
    <legend>Appearance</legend>
    {themes.map(([value, label]) => (
      <label key={value} class="choice">
        <input
          type="radio"
          name="theme"
          checked={theme.value === value}
          onChange={() => {
            theme.value = value
          }}
        />
        {label}
      </label>
    ))}
  </fieldset>
)

/** The browser's own dialog: it keeps the focus inside and gives it back. */
export const SettingsDialog = () => {
  const dialog = useRef<HTMLDialogElement>(null)
  const isOpen = isSettingsOpen.value
  useEffect(() => {
    if (isOpen) dialog.current?.showModal()
    else dialog.current?.close()
  }, [isOpen])
  return (
    <dialog
      ref={dialog}
      class="settings"
      aria-labelledby="settings-title"
      onClose={close}
      onClick={(event) => {
        if (event.target === dialog.current) close()
      }}
    >
      {isOpen && (
        <div class="settings-content">
          <h2 id="settings-title">Settings</h2>
          <ModelField />
          <ThemeChoice />
          <p class="help">
            The starter model has 3 M parameters and was made for demos: short chat, questions about
            Quire, tool calls, and small sums. What you write stays in this browser; only the
            weather tool asks a server (open-meteo.com).
          </p>
          <button type="button" class="quiet" onClick={close}>
            Close
          </button>
        </div>
      )}
    </dialog>
  )
}
