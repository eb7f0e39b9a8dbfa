import { useSignal } from '@preact/signals'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import type { Conversation } from '../state/conversations.ts'
import type { Message } from '../state/messages.ts'
import { AssistantTurn } from './assistant-turn.tsx'
import { IconButton } from './icon-button.tsx'
import { UserTurn } from './user-turn.tsx'

type TurnProps = { readonly conversation: Conversation; readonly message: Message }

/** Skips turns whose message is the same object: while one streams, the others stand still. */
const Turn = ({ conversation, message }: TurnProps) =>
  useMemo(
    () =>
      message.role === 'user' ? (
        <UserTurn conversation={conversation} message={message} />
      ) : (
        <AssistantTurn conversation={conversation} message={message} />
      ),
    [conversation, message],
  )

const nearEndPx = 48

/** Follows a growing text as long as the reader is at its end. */
const useFollowing = () => {
  const scroller = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const isAtEnd = useSignal(true)
  const toEnd = () => scroller.current?.scrollTo({ top: scroller.current.scrollHeight })
  useEffect(() => {
    if (!content.current) return undefined
    const observer = new ResizeObserver(() => {
      if (isAtEnd.peek()) toEnd()
    })
    observer.observe(content.current)
    return () => observer.disconnect()
  }, [])
  const onScroll = () => {
    const box = scroller.current
    if (box) isAtEnd.value = box.scrollHeight - box.scrollTop - box.clientHeight < nearEndPx
  }
  return { scroller, content, isAtEnd, toEnd, onScroll }
}

export const Thread = ({ conversation }: { conversation: Conversation }) => {
  const { scroller, content, isAtEnd, toEnd, onScroll } = useFollowing()
  return (
    <div class="thread" data-color={conversation.color}>
      <div
        class="thread-scroll"
        ref={scroller}
        onScroll={onScroll}
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label={`Messages: ${conversation.title.value}`}
      >
        <div class="thread-content" ref={content}>
          {conversation.messages.value.map((message) => (
            <Turn key={message.id} conversation={conversation} message={message} />
          ))}
        </div>
      </div>
      {!isAtEnd.value && (
        <IconButton class="to-end" icon="down" label="Jump to the latest" onClick={toEnd} />
      )}
    </div>
  )
}
