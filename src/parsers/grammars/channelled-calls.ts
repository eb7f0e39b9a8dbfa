import type { ToolSchemas } from '../tool-schemas.ts'
import {
  createMessageReader,
  type ChannelledMessages,
  type FirstMessage,
  type MessageHeader,
} from './message-reader.ts'
import { createNamedCallParser } from './named-call.ts'
import type { OutputFinishReason, OutputWriter, ToolCallParser } from './output-writer.ts'
import { createTaggedCallsParser, type TaggedCalls } from './tagged-calls.ts'

/** Calls as messages of their own. */
export type ChannelledCalls = {
  readonly kind: 'channelled-calls'
  readonly messages: ChannelledMessages
  /** In front of a tool's name in the header. */
  readonly namePrefix: string
  /** The calls in a message's body; null: the body is the arguments of the tool in the header. */
  readonly body: TaggedCalls | null
}

/** One call: its name is the message's recipient, its arguments the body. None are `{}`. */
const createMessageCall = (name: string, writer: OutputWriter): ToolCallParser => {
  const parser = createNamedCallParser(name, writer)
  let isEmpty = true
  return {
    push: (text) => {
      const body = isEmpty ? text.trimStart() : text
      isEmpty &&= body === ''
      parser.push(body)
    },
    finish: (reason) => {
      parser.finish(reason)
      if (!isEmpty || reason !== 'stop') return
      writer.call(name)
      writer.arguments('{}')
    },
  }
}

/**
 * `inMessages`: a reasoning parser left the calls' messages whole and took the others apart. Else
 * thinking, which no one asked for, stays in the content as it is written.
 */
export const createChannelledCallsParser = (
  format: ChannelledCalls,
  writer: OutputWriter,
  options: {
    readonly schemas: ToolSchemas
    readonly inMessages: boolean
    readonly first: FirstMessage
  },
): ToolCallParser => {
  const { messages, namePrefix } = format
  let current: ToolCallParser | null = null
  let isKept = false
  /** From then on text is what was held back: the beginning of a marker, or of a header. */
  let isOver = false

  const beginCall = ({ recipient }: MessageHeader): ToolCallParser => {
    if (format.body) return createTaggedCallsParser(format.body, writer, options.schemas)
    const name = recipient ?? ''
    return createMessageCall(
      name.startsWith(namePrefix) ? name.slice(namePrefix.length) : name,
      writer,
    )
  }
  const end = (reason: OutputFinishReason) => {
    current?.finish(reason)
    current = null
  }
  const reader = createMessageReader(
    messages,
    { bare: !options.inMessages, first: options.first },
    {
      begin: (header) => {
        if (header.kind === 'call') current = beginCall(header)
        isKept = header.kind === 'reasoning'
        if (isKept && header !== options.first) writer.content(header.raw)
      },
      text: (text) => {
        if (current === null) writer.content(text)
        else if (!isOver) current.push(text)
      },
      end: (marker) => {
        end('stop')
        if (isKept) writer.content(marker)
        isKept = false
      },
      stray: (text) => (isOver ? writer.rest(text) : writer.content(text)),
    },
  )
  return {
    push: (text) => reader.push(text),
    finish: (reason) => {
      isOver = true
      reader.finish()
      end(reason)
    },
  }
}
