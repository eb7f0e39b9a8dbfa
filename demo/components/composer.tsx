import type { Signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Conversation } from '../state/conversations.ts'
import { send, stop } from '../state/generation.ts'
import { messageBoxId } from '../state/layout.ts'
import { flip, thinkingSwitch, toolsSwitch, type Switch } from '../state/settings.ts'
import { Icon, type IconName } from './icon.tsx'
import { LoadStatus } from './load-status.tsx'

type SwitchProps = {
  readonly value: Signal<Switch>
  readonly icon: IconName
  readonly label: string
}

const SwitchButton = ({ value, icon, label }: SwitchProps) => (
  <button
    type="button"
    role="switch"
    class="switch"
    aria-checked={value.value === 'on'}
    onClick={() => flip(value)}
  >
    <Icon name={icon} />
    {label}
  </button>
)

const maxHeightPx = 220

/** Grows the box with its text; `field-sizing` would do it alone, but Firefox lacks it. */
const fitHeight = (box: HTMLTextAreaElement): void => {
  box.style.height = 'auto'
  box.style.height = `${Math.min(box.scrollHeight, maxHeightPx)}px`
}

export const Composer = ({ conversation }: { conversation: Conversation }) => {
  const box = useRef<HTMLTextAreaElement>(null)
  const { draft, running } = conversation
  const text = draft.value
  useEffect(() => {
    if (box.current) fitHeight(box.current)
  }, [text])
  const submit = (event: Event) => {
    event.preventDefault()
    if (running.peek() || text.trim() === '') return
    send(conversation, text)
    draft.value = ''
    box.current?.focus()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    // A key that ends an input method's word is not meant for the page.
    if (event.isComposing) return
    if (event.key === 'Enter' && !event.shiftKey) submit(event)
  }
  return (
    <form class="composer" onSubmit={submit} aria-label="Write a message">
      <textarea
        ref={box}
        id={messageBoxId}
        aria-label="Message"
        placeholder="Ask something short"
        rows={1}
        value={text}
        onInput={(event) => {
          draft.value = event.currentTarget.value
        }}
        onKeyDown={onKeyDown}
      />
      <div class="composer-bar">
        <SwitchButton value={toolsSwitch} icon="tool" label="Tools" />
        <SwitchButton value={thinkingSwitch} icon="thought" label="Thinking" />
        {running.value ? (
          <button
            key="stop"
            type="button"
            class="round"
            aria-label="Stop"
            title="Stop (Escape)"
            onClick={() => stop(conversation)}
          >
            <Icon name="stop" />
          </button>
        ) : (
          <button
            key="send"
            type="submit"
            class="round"
            aria-label="Send"
            title="Send (Enter)"
            disabled={text.trim() === ''}
          >
            <Icon name="send" />
          </button>
        )}
      </div>
      <LoadStatus />
    </form>
  )
}
