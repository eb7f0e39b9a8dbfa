import { useSignal } from '@preact/signals'
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { Conversation } from '../state/conversations.ts'
import { editAndResend } from '../state/generation.ts'
import { focusMessageBox } from '../state/layout.ts'
import type { UserMessage } from '../state/messages.ts'
import { CopyButton } from './copy-button.tsx'
import { IconButton } from './icon-button.tsx'

type Props = { readonly conversation: Conversation; readonly message: UserMessage }

const Editor = ({ conversation, message, close }: Props & { close: () => void }) => {
  const box = useRef<HTMLTextAreaElement>(null)
  useLayoutEffect(() => {
    box.current?.focus()
    box.current?.setSelectionRange(message.text.length, message.text.length)
  }, [])
  const submit = (event: Event) => {
    event.preventDefault()
    const text = box.current?.value ?? ''
    if (text.trim() === '') return
    close()
    editAndResend(conversation, message.id, text)
    focusMessageBox()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      event.stopPropagation()
      close()
    }
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) submit(event)
  }
  return (
    <form class="editor" onSubmit={submit}>
      <textarea
        ref={box}
        aria-label="Edit message"
        defaultValue={message.text}
        rows={2}
        onKeyDown={onKeyDown}
      />
      <div class="editor-actions">
        <button type="button" class="quiet" onClick={close}>
          Cancel
        </button>
        <button type="submit" class="solid">
          Send again
        </button>
      </div>
    </form>
  )
}

export const UserTurn = ({ conversation, message }: Props) => {
  const isEditing = useSignal(false)
  return (
    <article class="turn user" aria-label="You">
      {isEditing.value ? (
        <Editor
          conversation={conversation}
          message={message}
          close={() => {
            isEditing.value = false
          }}
        />
      ) : (
        <>
          <p class="said">{message.text}</p>
          <div class="turn-actions">
            <CopyButton text={message.text} label="Copy message" />
            <IconButton
              icon="edit"
              label="Edit"
              disabled={conversation.running.value !== null}
              onClick={() => {
                isEditing.value = true
              }}
            />
          </div>
        </>
      )}
    </article>
  )
}
