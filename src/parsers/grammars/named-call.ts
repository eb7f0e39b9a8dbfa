import type { OutputWriter, ToolCallParser } from './output-writer.ts'
import { createValueReader, literalSyntax } from './value-reader.ts'

/** The output of a model that is held to the arguments of one tool: they are the call. */
export const createNamedCallParser = (name: string, writer: OutputWriter): ToolCallParser => {
  const emit = (text: string) => writer.arguments(text)
  const reader = createValueReader({ syntax: literalSyntax, emit })
  let state: 'start' | 'arguments' | 'rest' = 'start'

  const read = (char: string) => {
    if (state === 'start' && char === '{') {
      writer.call(name)
      state = 'arguments'
    } else if (state === 'start' && char.trim() !== '') state = 'rest'
    if (state !== 'arguments') return writer.content(char)
    const result = reader.read(char)
    if (result === 'more') return
    state = 'rest'
    if (result === 'end') return
    reader.complete()
    writer.content(char)
  }
  return {
    push: (text) => {
      for (let at = 0; at < text.length; at++) read(text.charAt(at))
    },
    finish: (reason) => {
      if (state !== 'arguments') return
      if (reason === 'stop') reader.complete()
      else reader.flush()
    },
  }
}
