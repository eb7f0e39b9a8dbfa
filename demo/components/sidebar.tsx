import { useSignal } from '@preact/signals'
import { useLayoutEffect, useRef } from 'preact/hooks'
import {
  canSave,
  conversations,
  remove,
  rename,
  show,
  shown,
  startConversation,
  type Conversation,
} from '../state/conversations.ts'
import { runInParallel } from '../state/demonstrations.ts'
import { engineState } from '../state/engine.ts'
import { drawer, focusMessageBox, isNarrow } from '../state/layout.ts'
import { offlineState, type OfflineState } from '../state/offline.ts'
import { Icon, Mark } from './icon.tsx'
import { IconButton } from './icon-button.tsx'

const RenameField = ({
  conversation,
  close,
}: {
  conversation: Conversation
  close: () => void
}) => {
  const field = useRef<HTMLInputElement>(null)
  useLayoutEffect(() => {
    field.current?.focus()
    field.current?.select()
  }, [])
  const finish = () => {
    rename(conversation, field.current?.value ?? '')
    close()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') finish()
    if (event.key === 'Escape') {
      event.stopPropagation()
      close()
    }
  }
  return (
    <input
      ref={field}
      class="rename"
      aria-label="Chat name"
      defaultValue={conversation.title.peek()}
      onKeyDown={onKeyDown}
      onBlur={finish}
    />
  )
}

const Entry = ({ conversation }: { conversation: Conversation }) => {
  const isRenaming = useSignal(false)
  const isRunning = conversation.running.value !== null
  const isShown = shown.value.includes(conversation)
  const title = conversation.title.value
  const open = () => {
    show(conversation.id)
    drawer.value = null
    focusMessageBox()
  }
  return (
    <li class={`entry ${isShown ? 'is-shown' : ''}`} data-color={conversation.color}>
      {isRenaming.value ? (
        <RenameField
          conversation={conversation}
          close={() => {
            isRenaming.value = false
          }}
        />
      ) : (
        <button
          type="button"
          class="entry-open"
          aria-current={isShown ? 'page' : undefined}
          onClick={open}
        >
          <span class={`dot ${isRunning ? 'is-running' : ''}`} aria-hidden="true" />
          <span class="entry-title">{title}</span>
          {isRunning && <span class="visually-hidden">generating</span>}
        </button>
      )}
      <span class="entry-actions">
        <IconButton
          icon="edit"
          label={`Rename ${title}`}
          onClick={() => {
            isRenaming.value = true
          }}
        />
        <IconButton icon="remove" label={`Delete ${title}`} onClick={() => remove(conversation)} />
      </span>
    </li>
  )
}

const offlineWords: Readonly<Record<OfflineState, string>> = {
  preparing: 'Getting ready for offline use',
  ready: 'Ready offline',
  unavailable: 'Needs the network to open',
}

const startNew = (): void => {
  startConversation()
  drawer.value = null
  focusMessageBox()
}

const OfflineNote = () => {
  // Whatever was kept before, a page without a model answers nothing.
  const hasModel = engineState.value.phase === 'ready'
  const state = offlineState.value === 'ready' && !hasModel ? 'preparing' : offlineState.value
  return <p class={`offline is-${state}`}>{offlineWords[state]}</p>
}

/** The list of chats; a drawer on a narrow screen. */
export const Sidebar = () => {
  const isOpen = drawer.value === 'sidebar'
  return (
    <nav
      id="sidebar"
      class={`sidebar ${isOpen ? 'is-open' : ''}`}
      aria-label="Chats"
      inert={isNarrow.value && !isOpen}
    >
      <div class="brand">
        <Mark />
        <span>Quire</span>
        {isNarrow.value && (
          <IconButton
            icon="close"
            label="Close chats"
            onClick={() => {
              drawer.value = null
            }}
          />
        )}
      </div>
      <button type="button" class="wide-button" onClick={startNew}>
        <Icon name="add" /> New chat
      </button>
      <button type="button" class="wide-button" onClick={runInParallel}>
        <Icon name="parallel" /> Run 4 at once
      </button>
      <ul class="entries">
        {conversations.value.map((conversation) => (
          <Entry key={conversation.id} conversation={conversation} />
        ))}
      </ul>
      <footer>
        <OfflineNote />
        {!canSave.value && <p>This browser does not let the page keep chats.</p>}
      </footer>
    </nav>
  )
}
