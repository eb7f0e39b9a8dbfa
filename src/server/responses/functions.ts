import * as v from 'valibot'
import { quote } from '../../errors.ts'
import { invalidParameter, invalidRequest } from '../errors.ts'
import {
  demand,
  isRecord,
  list,
  object,
  oneOf,
  parseBody,
  record,
  string,
  withOthers,
} from '../lax-types.ts'

type Fields = Readonly<Record<string, unknown>>

const named = { name: v.nullish(string) }

/** Tools as they come; a namespace has some of its own. */
export const toolsSchema = list(withOthers({ ...named, tools: v.nullish(list(withOthers(named))) }))

type Tool = v.InferOutput<typeof toolsSchema>[number]

/** A function by its names in the request: some stand in a namespace. */
export type Callee = { readonly name: string; readonly namespace?: string }

type FunctionTool = Callee & { readonly description: unknown; readonly parameters: unknown }

/** What `tool_choice` comes to: the functions that the model is told of, and the choice in chat. */
export type ToolUse = { readonly functions: readonly FunctionTool[]; readonly choice: unknown }

/** The name that the model knows a function by. */
export const flatName = ({ name, namespace }: Callee): string =>
  namespace === undefined ? name : `${namespace}__${name}`

/** What the model calls, by its names in the request. */
export const findCallee = ({ functions }: ToolUse, called: string): Callee =>
  functions.find((known) => flatName(known) === called) ?? { name: called }

/** vLLM has no tools of its own here either; it passes over them. */
const isFunction = ({ type }: Fields): boolean => type === 'function'

const readFunctions = (
  tools: readonly Tool[],
  path: readonly (string | number)[],
  space?: Pick<Callee, 'namespace'>,
): FunctionTool[] =>
  tools.flatMap((tool, at) => {
    const { name, description, parameters } = tool
    const place = [...path, at]
    if (tool['type'] === 'namespace' && !space) {
      demand(tool, ['name', 'tools'], place)
      return readFunctions(tool.tools ?? [], [...place, 'tools'], { namespace: name ?? '' })
    }
    if (!isFunction(tool)) return []
    demand(tool, ['name'], place)
    return [{ ...space, name: name ?? '', description, parameters }]
  })

/** A function by its name in a choice, which may leave the namespace out. */
const pickFunction = (functions: readonly FunctionTool[], chosen: unknown): FunctionTool => {
  const picked =
    functions.find((known) => flatName(known) === chosen) ??
    functions.find(({ name, namespace }) => chosen === name || chosen === `${namespace}.${name}`)
  if (picked) return picked
  throw invalidParameter("Tool choice 'function' not found in 'tools' parameter.", 'tool_choice')
}

const allowedTools = object({
  tool_choice: object({ mode: oneOf(['auto', 'required']), tools: list(record) }),
})

/** A choice in the form of an object. */
const readChoice = (choice: Fields, functions: readonly FunctionTool[]): ToolUse => {
  const { type } = choice
  if (type === 'function') {
    const name = flatName(pickFunction(functions, choice['name']))
    return { functions, choice: { type, function: { name } } }
  }
  if (type === 'allowed_tools') {
    const { mode, tools } = parseBody(allowedTools, { tool_choice: choice }).tool_choice
    const allowed = tools.filter(isFunction).map(({ name }) => pickFunction(functions, name))
    return { functions: functions.filter((known) => allowed.includes(known)), choice: mode }
  }
  throw invalidRequest(
    `A tool choice of type ${quote(type)} is not supported, as functions are the only tools here. ` +
      "Supported types: function, allowed_tools; or 'none', 'auto', 'required'.",
    'tool_choice',
  )
}

const toolChoices = object({ tool_choice: oneOf(['none', 'auto', 'required']) })

const readAnyChoice = (choice: unknown, functions: readonly FunctionTool[]): ToolUse => {
  if (isRecord(choice)) return readChoice(choice, functions)
  const settled = parseBody(toolChoices, { tool_choice: choice ?? 'auto' }).tool_choice
  return { functions, choice: functions.length === 0 && settled === 'auto' ? 'none' : settled }
}

/** @throws EngineError a 400, in vLLM's words for what vLLM refuses too. */
export const readToolUse = (choice: unknown, tools: readonly Tool[]): ToolUse => {
  const use = readAnyChoice(choice, readFunctions(tools, ['tools']))
  if (use.choice === 'required' && use.functions.length === 0) {
    throw invalidParameter(
      "Tool choice 'required' must be specified with 'tools' parameter.",
      'tool_choice',
    )
  }
  return use
}

/** Tools and choice as fields of a chat request. */
export const toChatTools = ({ functions, choice }: ToolUse): Fields => {
  if (functions.length === 0) return {}
  const tools = functions.map(({ description, parameters, ...names }) => ({
    type: 'function',
    function: { name: flatName(names), description, parameters },
  }))
  return { tools, tool_choice: choice }
}
