import { useEffect } from 'preact/hooks'
import { Composer } from './components/composer.tsx'
import { EmptyPage } from './components/empty-page.tsx'
import { EnginePanel } from './components/engine-panel.tsx'
import { IconButton } from './components/icon-button.tsx'
import { SettingsDialog } from './components/settings-dialog.tsx'
import { Sidebar } from './components/sidebar.tsx'
import { Thread } from './components/thread.tsx'
import { TopBar } from './components/top-bar.tsx'
import { announcement } from './state/announcer.ts'
import { show, shown, type Conversation } from './state/conversations.ts'
import { stop } from './state/generation.ts'
import { drawer, focusMessageBox, isSettingsOpen, messageBoxId } from './state/layout.ts'

const Chat = ({ conversation }: { conversation: Conversation }) => (
  <main class="chat" data-color={conversation.color}>
    {conversation.messages.value.length === 0 ? (
      <EmptyPage conversation={conversation} />
    ) : (
      <>
        <h1 class="visually-hidden">{conversation.title.value}</h1>
        <Thread key={conversation.id} conversation={conversation} />
      </>
    )}
    <Composer conversation={conversation} />
  </main>
)

const Column = ({ conversation }: { conversation: Conversation }) => {
  const title = conversation.title.value
  const isRunning = conversation.running.value !== null
  return (
    <section class="column" data-color={conversation.color} aria-label={title}>
      <header>
        <h2>
          <button
            type="button"
            onClick={() => {
              show(conversation.id)
              focusMessageBox()
            }}
          >
            <span class={`dot ${isRunning ? 'is-running' : ''}`} aria-hidden="true" />
            {title}
          </button>
        </h2>
        {isRunning && (
          <IconButton icon="stop" label={`Stop ${title}`} onClick={() => stop(conversation)} />
        )}
      </header>
      <Thread conversation={conversation} />
    </section>
  )
}

const SideBySide = ({ conversations }: { conversations: readonly Conversation[] }) => (
  <main class="side-by-side">
    <h1 class="visually-hidden">Chats side by side</h1>
    {conversations.map((conversation) => (
      <Column key={conversation.id} conversation={conversation} />
    ))}
  </main>
)

/** Escape closes what is open, else stops what is on screen. */
const onEscape = (event: KeyboardEvent): void => {
  if (event.key !== 'Escape' || isSettingsOpen.peek()) return
  if (drawer.peek()) drawer.value = null
  else for (const conversation of shown.peek()) stop(conversation)
}

/** Moves the focus into a drawer that opens and back to where it was when it closes. */
const useDrawerFocus = (): void => {
  const open = drawer.value
  useEffect(() => {
    if (open === null) return undefined
    const before = document.activeElement
    document.getElementById(open)?.querySelector<HTMLElement>('button')?.focus()
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [open])
}

export const App = () => {
  useEffect(() => {
    addEventListener('keydown', onEscape)
    return () => removeEventListener('keydown', onEscape)
  }, [])
  useDrawerFocus()
  const [first, ...others] = shown.value
  return (
    <>
      <a class="skip-link" href={`#${messageBoxId}`}>
        Skip to the message box
      </a>
      <div class="app">
        <Sidebar />
        <div class="stage" inert={drawer.value !== null}>
          <TopBar />
          {first && others.length === 0 && <Chat conversation={first} />}
          {first && others.length > 0 && <SideBySide conversations={shown.value} />}
        </div>
        <EnginePanel />
        {drawer.value !== null && (
          <button
            type="button"
            class="backdrop"
            tabIndex={-1}
            aria-label="Close"
            onClick={() => {
              drawer.value = null
            }}
          />
        )}
      </div>
      <SettingsDialog />
      <div class="visually-hidden" role="status" aria-live="polite">
        {announcement.value}
      </div>
    </>
  )
}
