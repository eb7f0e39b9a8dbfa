import { calculator } from './calculator.ts'
import { unitConverter } from './convert-units.ts'
import { currentTime } from './current-time.ts'
import { docsSearch } from './search-docs.ts'
import type { Tool } from './tool.ts'
import { weather } from './weather.ts'

/** The tools that the demo offers; a new one needs its file and its place in this list. */
export const tools: readonly Tool[] = [calculator, currentTime, unitConverter, docsSearch, weather]

/** The list as a chat request carries it. */
export const toolSchemas = tools.map(({ name, description, parameters }) => ({
  type: 'function' as const,
  function: { name, description, parameters },
}))

export type ToolOutcome = { readonly ok: boolean; readonly content: string }

const parseArguments = (text: string): Record<string, unknown> => {
  const value: unknown = JSON.parse(text === '' ? '{}' : text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error('The arguments must be a JSON object.')
  }
  return value as Record<string, unknown>
}

/** Runs one call. A failure is an outcome too: the model reads it and can try again. */
export const runTool = async (
  name: string,
  argumentText: string,
  signal: AbortSignal,
): Promise<ToolOutcome> => {
  try {
    const tool = tools.find((candidate) => candidate.name === name)
    if (!tool) {
      throw new Error(
        `There is no tool "${name}". There are: ${tools.map((t) => t.name).join(', ')}.`,
      )
    }
    const result = await tool.run(parseArguments(argumentText), signal)
    return { ok: true, content: JSON.stringify(result) }
  } catch (thrown) {
    signal.throwIfAborted()
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    return { ok: false, content: JSON.stringify({ error: message }) }
  }
}
