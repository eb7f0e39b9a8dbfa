import { Environment, type Template } from '@huggingface/jinja'
import { toPythonJson, type PythonJsonOptions, type TemplateValue } from './python-json.ts'

type RuntimeValue = ReturnType<Environment['set']>
type RuntimeFunction = Extract<RuntimeValue, { value: (...args: never[]) => unknown }>

/** What a template says through `raise_exception`: the model's own complaint about the request. */
export class TemplateException extends Error {
  override readonly name = 'TemplateException'
}

const isFunction = (value: RuntimeValue): value is RuntimeFunction =>
  typeof value.value === 'function'

/** Lends a plain string to the running template. */
const toRuntimeString = (text: string) => new Environment().set('text', text)

/** A function that sees runtime values: plain ones can't tell 1.0 from 1, or keyword arguments. */
const setFunction = (
  environment: Environment,
  name: string,
  apply: (args: readonly TemplateValue[]) => string,
) => {
  const runtimeFunction = environment.set(name, () => null)
  if (isFunction(runtimeFunction)) {
    runtimeFunction.value = (args) => toRuntimeString(apply(args))
  }
}

/** Names that no template uses, so that its own variables are safe. */
const helperName = (name: string) => `quire ${name}`

type Ends = { readonly left: boolean; readonly right: boolean }

const strippers: Readonly<Record<string, Ends>> = {
  strip: { left: true, right: true },
  lstrip: { left: true, right: false },
  rstrip: { left: false, right: true },
}

/** Python's `str.strip(characters)`: any of the characters, from the given ends. */
const strip = (text: string, characters: string, ends: Ends): string => {
  const points = Array.from(text)
  const isKept = (point: string) => !characters.includes(point)
  const start = ends.left ? points.findIndex(isKept) : 0
  const end = ends.right ? points.findLastIndex(isKept) + 1 : points.length
  return start === -1 ? '' : points.slice(start, end).join('')
}

const readJsonOptions = (args: readonly TemplateValue[]): PythonJsonOptions => {
  const last = args.at(-1)
  const keywords: Map<string, TemplateValue> =
    last?.type === 'KeywordArgumentsValue' && last.value instanceof Map ? last.value : new Map()
  const positional = args.filter((argument) => argument.type !== 'KeywordArgumentsValue')
  const read = (position: number, name: string) =>
    keywords.get(name)?.value ?? positional[position]?.value ?? null
  const indent = read(1, 'indent')
  const separators = read(2, 'separators')
  const [item, key] = Array.isArray(separators)
    ? separators.map((entry: TemplateValue) => entry.value)
    : []
  return {
    ensureAscii: read(0, 'ensure_ascii') === true,
    indent: typeof indent === 'number' ? indent : null,
    separators: typeof item === 'string' && typeof key === 'string' ? [item, key] : null,
    sortKeys: read(3, 'sort_keys') === true,
  }
}

const range = (first: number, second?: number, step = 1): number[] => {
  const start = second === undefined ? 0 : first
  const stop = second ?? first
  if (step === 0) throw new Error('range() arg 3 must not be zero')
  const length = Math.max(0, Math.ceil((stop - start) / step))
  return Array.from({ length }, (_, index) => start + index * step)
}

const pad = (value: number, length = 2) => String(value).padStart(length, '0')

/** Python's `strftime` in its C locale, whatever the browser's language. */
export const formatTime = (date: Date, format: string): string => {
  const english = (options: Intl.DateTimeFormatOptions) => date.toLocaleString('en-US', options)
  const hour12 = date.getHours() % 12 || 12
  const startOfYear = Date.UTC(date.getFullYear(), 0, 0)
  const today = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate())
  const fields: Readonly<Record<string, () => string>> = {
    Y: () => String(date.getFullYear()),
    y: () => pad(date.getFullYear() % 100),
    m: () => pad(date.getMonth() + 1),
    d: () => pad(date.getDate()),
    j: () => pad((today - startOfYear) / 86_400_000, 3),
    B: () => english({ month: 'long' }),
    b: () => english({ month: 'short' }),
    A: () => english({ weekday: 'long' }),
    a: () => english({ weekday: 'short' }),
    H: () => pad(date.getHours()),
    I: () => pad(hour12),
    p: () => (date.getHours() < 12 ? 'AM' : 'PM'),
    M: () => pad(date.getMinutes()),
    S: () => pad(date.getSeconds()),
    '%': () => '%',
  }
  return format.replace(/%(.)/g, (directive, letter: string) => fields[letter]?.() ?? directive)
}

/** The globals that transformers gives a chat template, and Python's own behaviour. */
export const createTemplateEnvironment = (
  variables: Readonly<Record<string, unknown>>,
): Environment => {
  const environment = new Environment()
  const constants = { true: true, false: false, none: null, True: true, False: false, None: null }
  const functions = {
    range,
    raise_exception: (message: unknown) => {
      throw new TemplateException(String(message))
    },
    strftime_now: (format: string) => formatTime(new Date(), format),
  }
  for (const [name, value] of Object.entries({ ...constants, ...functions, ...variables })) {
    environment.set(name, value)
  }
  setFunction(environment, helperName('tojson'), ([input, ...args]) =>
    toPythonJson(input ?? { type: 'UndefinedValue', value: undefined }, readJsonOptions(args)),
  )
  for (const [method, ends] of Object.entries(strippers)) {
    setFunction(environment, helperName(method), ([text, characters]) => {
      if (typeof text?.value !== 'string' || typeof characters?.value !== 'string') {
        throw new Error(`${method}() takes a string and works on a string`)
      }
      return strip(text.value, characters.value, ends)
    })
  }
  return environment
}

type Node = { type?: unknown; [field: string]: unknown }

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null

const nameOf = (node: unknown) =>
  isNode(node) && node['type'] === 'Identifier' ? node['value'] : undefined

const callHelper = (node: Node, name: string, args: readonly unknown[]) => {
  node['type'] = 'CallExpression'
  node['callee'] = { type: 'Identifier', value: helperName(name) }
  node['args'] = args
}

/**
 * Sends the few operations that `@huggingface/jinja` 0.5 does unlike Python to our helpers:
 * `strip(characters)` ignores its argument, and `tojson` writes 1e-7 and 1.0 as JavaScript does and
 * sorts keys by locale. Changes the parsed template in place.
 */
export const adaptToPython = (parsed: Template['parsed']): void => {
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(visit)
    if (value instanceof Map) return value.forEach((child, key) => [key, child].forEach(visit))
    if (!isNode(value)) return
    Object.values(value).forEach(visit)
    adaptNode(value)
  }
  visit(parsed)
}

const adaptNode = (node: Node): void => {
  const { callee, filter, args } = node
  if (node.type === 'FilterExpression') {
    const call = isNode(filter) && filter.type === 'CallExpression' ? filter : null
    if (nameOf(call ? call['callee'] : filter) !== 'tojson') return
    const given = call && Array.isArray(call['args']) ? call['args'] : []
    callHelper(node, 'tojson', [node['operand'], ...given])
  } else if (node.type === 'CallExpression' && Array.isArray(args) && args.length > 0) {
    if (!isNode(callee) || callee.type !== 'MemberExpression' || callee['computed']) return
    const method = nameOf(callee['property'])
    if (typeof method !== 'string' || !Object.hasOwn(strippers, method)) return
    callHelper(node, method, [callee['object'], ...args])
  }
}
