import { invalidRequest } from '../errors.ts'
import { isRecord } from '../lax-types.ts'
import { flatName } from './functions.ts'

type Fields = Readonly<Record<string, unknown>>

export type Message = Readonly<Record<string, unknown>>

const supportedItems = [
  'message',
  'reasoning',
  'function_call',
  'function_call_output',
  'item_reference',
]

const kindOf = (item: Fields): string => {
  const { type } = item
  if (typeof type === 'string') return type
  return 'role' in item ? 'message' : 'undefined'
}

/** The texts of a list of content parts, whatever their kinds. */
const partTexts = (parts: unknown): string[] => {
  if (!Array.isArray(parts)) return []
  const entries: unknown[] = parts
  return entries.flatMap((part) =>
    isRecord(part) && typeof part['text'] === 'string' ? [part['text']] : [],
  )
}

const reasoningText = ({ content, summary, encrypted_content: encrypted }: Fields): string => {
  if (encrypted != null && encrypted !== '') {
    throw invalidRequest('Encrypted content is not supported.', 'input')
  }
  const texts = partTexts(content)
  return (texts.length > 0 ? texts : partTexts(summary)).join('')
}

const toToolCall = ({ call_id: id, name, namespace, arguments: text }: Fields): Message => {
  if (typeof name !== 'string' || typeof id !== 'string') {
    throw invalidRequest('A `function_call` item needs a `name` and a `call_id`.', 'input')
  }
  return {
    id,
    type: 'function',
    function: {
      name: flatName(typeof namespace === 'string' ? { name, namespace } : { name }),
      arguments: text ?? '',
    },
  }
}

/** What an item adds to an assistant's message; null where it is a message of its own. */
const assistantPart = (item: Fields): Message | null => {
  const kind = kindOf(item)
  if (kind === 'reasoning') return { reasoning: reasoningText(item) }
  if (kind === 'function_call') return { tool_calls: [toToolCall(item)] }
  if (kind === 'message' && item['role'] === 'assistant') return { content: item['content'] }
  return null
}

const toMessage = (item: Fields): Message => {
  const kind = kindOf(item)
  if (kind === 'message') return { role: item['role'], content: item['content'] }
  if (kind === 'function_call_output') {
    return { role: 'tool', content: item['output'], tool_call_id: item['call_id'] }
  }
  throw invalidRequest(
    `Unsupported input item type: '${kind}'. Supported types: ${supportedItems.join(', ')}.`,
    'input',
  )
}

/** Reasoning, text and calls of one turn come as items of their own, in this order. */
const joinTurn = (turn: Message, part: Message): Message | null => {
  const { tool_calls: calls } = turn
  if (part['tool_calls'] && Array.isArray(calls) && Array.isArray(part['tool_calls'])) {
    return { ...turn, tool_calls: [...calls, ...part['tool_calls']] }
  }
  const isLater =
    'tool_calls' in part || ('content' in part && !('content' in turn) && !('tool_calls' in turn))
  return isLater ? { ...turn, ...part } : null
}

/**
 * The items of a request's `input` as chat messages: the items of an assistant's turn become one
 * message.
 *
 * @throws EngineError a 400 for items that have no place in a chat.
 */
export const toMessages = (items: readonly unknown[]): Message[] => {
  const messages: Message[] = []
  for (const item of items) {
    if (!isRecord(item)) throw invalidRequest('Each item of `input` must be an object.', 'input')
    const part = assistantPart(item)
    const last = messages.at(-1)
    const joined = part && last?.['role'] === 'assistant' ? joinTurn(last, part) : null
    if (joined) messages[messages.length - 1] = joined
    else messages.push(part ? { role: 'assistant', ...part } : toMessage(item))
  }
  return messages
}

/** An item of the assistant that was cut off at the end of `input` is to be gone on with. */
export const isUnfinished = (items: readonly unknown[]): boolean => {
  const last = items.at(-1)
  if (!isRecord(last) || !['message', 'reasoning'].includes(kindOf(last))) return false
  return last['status'] === 'in_progress' || last['status'] === 'incomplete'
}
