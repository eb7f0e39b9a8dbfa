import type { Constraint, ToolCallSyntax } from '../grammar/constraint.ts'
import { nativeCallSyntax, type NativeCallSyntax } from '../parsers/native-call-syntax.ts'
import type { ToolChoice } from '../parsers/output-parser.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import type { Tool } from './validation.ts'

export type ToolConstraintOptions = {
  readonly toolChoice: Exclude<ToolChoice, 'auto' | 'none'>
  readonly tools: readonly Tool[]
  readonly toolParser: string | null
  /** One call alone. */
  readonly single: boolean
}

/** A function without parameters takes an empty object, as in OpenAI's API. */
const parametersOf = ({ function: described }: Tool): unknown =>
  described['parameters'] ?? { type: 'object', properties: {} }

/** Calls in a row of formats that number them; in others there is no limit. */
const mostNumbered = 8

/** How each call of a tool begins. */
const beginsOf = ({ begin }: NativeCallSyntax, name: string): string[] => {
  const begins = Array.from({ length: mostNumbered }, (_, index) => begin(name, index))
  return new Set(begins).size > 1 ? begins : begins.slice(0, 1)
}

const nativeCalls = (
  syntax: NativeCallSyntax,
  tools: readonly Tool[],
  single: boolean,
): Constraint => {
  const calls = tools.map((tool): ToolCallSyntax => ({
    begins: beginsOf(syntax, tool.function.name),
    parameters: parametersOf(tool),
    end: syntax.end,
  }))
  const { open, separator, close } = syntax
  return { kind: 'tool-calls', calls, open, separator, close, single }
}

/** `[{"name": ..., "parameters": ...}, ...]`, as vLLM has it for models without a syntax. */
const guidedCalls = (tools: readonly Tool[], single: boolean): Constraint => ({
  kind: 'tool-calls',
  calls: tools.map((tool) => ({
    begins: [`{"name": ${JSON.stringify(tool.function.name)}, "parameters": `],
    parameters: parametersOf(tool),
    end: '}',
  })),
  open: '[',
  separator: ', ',
  close: ']',
  single,
})

const bareArguments = (tool: Tool): Constraint => ({
  kind: 'tool-calls',
  calls: [{ begins: [''], parameters: parametersOf(tool), end: '' }],
  open: '',
  separator: '',
  close: '',
  single: true,
})

/** Whether calls are held to the model's own syntax; else they are plain JSON. */
export const hasCallSyntax = (toolParser: string | null): boolean =>
  toolParser !== null && nativeCallSyntax(toolParser) !== null

/** What `tool_choice` `"required"` or a named tool hold the answer to. */
export const toolConstraint = (options: ToolConstraintOptions): Constraint => {
  const { toolChoice, tools, toolParser, single } = options
  const syntax = toolParser === null ? null : nativeCallSyntax(toolParser)
  const named = typeof toolChoice === 'object' ? toolChoice.function.name : null
  const allowed = named === null ? tools : tools.filter((tool) => tool.function.name === named)
  const isSingle = single || named !== null
  if (syntax) return nativeCalls(syntax, allowed, isSingle)
  const [first] = allowed
  return named !== null && first ? bareArguments(first) : guidedCalls(allowed, isSingle)
}

/** Tokens that the model's own call syntax is written with. */
export const callMarkers = (toolParser: string | null, { addedTokens }: Tokenizer): string[] => {
  const syntax = toolParser === null ? null : nativeCallSyntax(toolParser)
  if (!syntax) return []
  const texts = [syntax.open, syntax.begin('name', 0), syntax.end, syntax.separator, syntax.close]
  return [...addedTokens.keys()].filter((token) => texts.some((text) => text.includes(token)))
}
