import { computed, effect, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import { isLive, type AssistantMessage, type Message, type UserMessage } from './messages.ts'
import {
  loadConversations,
  removeConversation,
  saveConversation,
  type SavedConversation,
} from './storage.ts'

export type Conversation = {
  readonly id: string
  /** Index into the palette that marks its sequences in the engine panel. */
  readonly color: number
  readonly createdAt: number
  readonly title: Signal<string>
  readonly isRenamed: Signal<boolean>
  readonly messages: Signal<readonly Message[]>
  /** Set while an answer is on its way; abort it to stop. */
  readonly running: Signal<AbortController | null>
  /** What stands in the composer. */
  readonly draft: Signal<string>
}

export const paletteSize = 8
const untitled = 'Untitled'
const titleLength = 42
const saveDelayMs = 400

const list = signal<readonly Conversation[]>([])
/** Ids on screen: one is a chat, several stand side by side. */
const shownIds = signal<readonly string[]>([])
const disposers = new Map<string, () => void>()

/** Newest first. */
export const conversations: ReadonlySignal<readonly Conversation[]> = computed(() =>
  list.value.toReversed(),
)
export const shown: ReadonlySignal<readonly Conversation[]> = computed(() =>
  shownIds.value.flatMap((id) => list.value.find((conversation) => conversation.id === id) ?? []),
)
/** False once the browser has refused to keep conversations. */
export const canSave = signal(true)

const toSaved = (conversation: Conversation): SavedConversation => ({
  id: conversation.id,
  title: conversation.title.peek(),
  isRenamed: conversation.isRenamed.peek(),
  color: conversation.color,
  createdAt: conversation.createdAt,
  messages: conversation.messages.peek(),
})

const refuseSaving = () => {
  canSave.value = false
}

/** Writes a conversation shortly after each change, and at once when the page is left. */
const keepSaved = (conversation: Conversation): (() => void) => {
  let timer: ReturnType<typeof setTimeout> | undefined
  let saved = conversation.messages.peek()
  const save = () => {
    clearTimeout(timer)
    timer = undefined
    saveConversation(toSaved(conversation)).catch(refuseSaving)
  }
  const saveNow = () => {
    if (timer !== undefined) save()
  }
  const stop = effect(() => {
    const messages = conversation.messages.value
    const isChanged = messages !== saved || conversation.isRenamed.value
    void conversation.title.value
    if (messages.length === 0 || !isChanged) return
    saved = messages
    timer ??= setTimeout(save, saveDelayMs)
  })
  addEventListener('pagehide', saveNow)
  return () => {
    stop()
    clearTimeout(timer)
    removeEventListener('pagehide', saveNow)
  }
}

const add = (saved: SavedConversation): Conversation => {
  const conversation: Conversation = {
    id: saved.id,
    color: saved.color,
    createdAt: saved.createdAt,
    title: signal(saved.title),
    isRenamed: signal(saved.isRenamed),
    messages: signal(saved.messages),
    running: signal(null),
    draft: signal(''),
  }
  list.value = [...list.peek(), conversation]
  disposers.set(conversation.id, keepSaved(conversation))
  return conversation
}

const leastUsedColor = (): number => {
  const uses = Array.from({ length: paletteSize }, () => 0)
  for (const { color } of list.peek()) uses[color] = (uses[color] ?? 0) + 1
  return uses.indexOf(Math.min(...uses))
}

export const createConversation = (): Conversation =>
  add({
    id: crypto.randomUUID(),
    title: untitled,
    isRenamed: false,
    color: leastUsedColor(),
    createdAt: Date.now(),
    messages: [],
  })

export const show = (...ids: string[]): void => {
  shownIds.value = ids
}

/** Shows an empty conversation: one that is there already, else a new one. */
export const startConversation = (): Conversation => {
  const empty = list.peek().find((conversation) => conversation.messages.peek().length === 0)
  const conversation = empty ?? createConversation()
  show(conversation.id)
  return conversation
}

export const rename = (conversation: Conversation, title: string): void => {
  if (title.trim() === '') return
  conversation.isRenamed.value = true
  conversation.title.value = title.trim()
}

export const remove = (conversation: Conversation): void => {
  conversation.running.peek()?.abort()
  disposers.get(conversation.id)?.()
  disposers.delete(conversation.id)
  list.value = list.peek().filter((other) => other !== conversation)
  shownIds.value = shownIds.peek().filter((id) => id !== conversation.id)
  if (shownIds.peek().length === 0) startConversation()
  removeConversation(conversation.id).catch(refuseSaving)
}

export const addUserMessage = (conversation: Conversation, text: string): void => {
  const message: UserMessage = { id: crypto.randomUUID(), role: 'user', text }
  if (conversation.messages.peek().length === 0 && !conversation.isRenamed.peek()) {
    const line = text.replace(/\s+/g, ' ').trim()
    const isLong = line.length > titleLength
    conversation.title.value = isLong ? `${line.slice(0, titleLength - 1).trimEnd()}…` : line
  }
  conversation.messages.value = [...conversation.messages.peek(), message]
}

/** Cuts the conversation before a message, which it no longer holds then. */
export const truncateAt = (conversation: Conversation, messageId: string): void => {
  const messages = conversation.messages.peek()
  const at = messages.findIndex((message) => message.id === messageId)
  if (at >= 0) conversation.messages.value = messages.slice(0, at)
}

/** Puts a newer version in the place of an assistant message, or at the end. */
export const putAssistantMessage = (
  conversation: Conversation,
  message: AssistantMessage,
): void => {
  const messages = conversation.messages.peek()
  const at = messages.findIndex((other) => other.id === message.id)
  conversation.messages.value = at < 0 ? [...messages, message] : messages.with(at, message)
}

/** An answer that a reload cut off is shown as stopped. */
const settle = (message: Message): Message =>
  message.role === 'assistant' && isLive(message) ? { ...message, status: 'stopped' } : message

/** Brings back the saved conversations and opens an empty one. */
export const restoreConversations = async (): Promise<void> => {
  const saved = await loadConversations().catch(() => {
    refuseSaving()
    return []
  })
  for (const conversation of saved) {
    add({ ...conversation, messages: conversation.messages.map(settle) })
  }
  startConversation()
}
