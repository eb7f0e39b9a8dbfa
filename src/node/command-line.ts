import { parseArgs } from 'node:util'
import { nearestName } from './nearest-name.ts'
import type { ReadValue } from './option-values.ts'
import { UsageError } from './usage-error.ts'

/** One option of a command; without `value` it is a switch, which `--no-` turns off. */
export type OptionSpec<Value = unknown> = {
  readonly help: string
  /** What stands for the value in the help. */
  readonly value?: string
  readonly read?: ReadValue<Value>
  readonly short?: string
}

export type OptionTable = Readonly<Record<string, OptionSpec>>

/** The values that were given; a switch is true or false. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]?: Table[Name] extends { readonly read: ReadValue<infer Value> }
    ? Value
    : boolean
}

export type CommandLine<Table extends OptionTable> = {
  readonly options: OptionValues<Table>
  /** What is no option and no option's value. */
  readonly words: readonly string[]
}

const unknownOption = (name: string, table: OptionTable): UsageError => {
  const names = Object.entries(table).flatMap(([known, { read }]) =>
    read ? [known] : [known, `no-${known}`],
  )
  const meant = nearestName(name, names)
  const hint = meant ? `Did you mean --${meant}?` : 'See --help for all options.'
  return new UsageError(`There is no option ${name.length === 1 ? '-' : '--'}${name}. ${hint}`)
}

/** vLLM takes `--max_model_len` for `--max-model-len`. */
const dashed = (argument: string): string =>
  argument.replace(/^--[^=]+/, (name) => name.replaceAll('_', '-'))

/** What comes after `--` is no option. */
const withDashes = (given: readonly string[]): string[] => {
  const end = given.includes('--') ? given.indexOf('--') : given.length
  return [...given.slice(0, end).map(dashed), ...given.slice(end)]
}

type OptionToken = {
  readonly name: string
  readonly rawName: string
  readonly value: string | undefined
  readonly inlineValue: boolean | undefined
}

const readSwitch = (table: OptionTable, { name, value }: OptionToken): [string, boolean] => {
  if (value !== undefined) {
    throw new UsageError(`--${name} takes no value, got ${JSON.stringify(value)}.`)
  }
  if (Object.hasOwn(table, name)) return [name, true]
  return [name.replace(/^no-/, ''), false]
}

const readOption = (table: OptionTable, token: OptionToken): [string, unknown] => {
  const { name, value, inlineValue } = token
  const positive = Object.hasOwn(table, name) ? name : name.replace(/^no-/, '')
  const spec = Object.hasOwn(table, positive) ? table[positive] : undefined
  if (!spec || (spec.read && positive !== name)) throw unknownOption(name, table)
  if (!spec.read) return readSwitch(table, token)
  const isForgotten = value === undefined || (!inlineValue && /^--\w/.test(value))
  if (isForgotten) throw new UsageError(`--${name} needs a value: --${name} ${spec.value}`)
  return [name, spec.read(value, name)]
}

/**
 * Reads the arguments of a command.
 *
 * @throws UsageError naming what is unknown, missing or of a wrong kind.
 */
export const readCommandLine = <Table extends OptionTable>(
  given: readonly string[],
  table: Table,
): CommandLine<Table> => {
  const options = Object.entries(table).map(([name, { read, short }]) => {
    const type = read ? ('string' as const) : ('boolean' as const)
    return [name, { type, ...(short ? { short } : {}) }] as const
  })
  // Not strict: Node's own messages know no nearest name, and its types no numbers.
  const { tokens } = parseArgs({
    args: withDashes(given),
    options: Object.fromEntries(options),
    strict: false,
    tokens: true,
    allowPositionals: true,
  })
  const values = tokens.flatMap((token) =>
    token.kind === 'option' ? [readOption(table, token)] : [],
  )
  const words = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []))
  return { options: Object.fromEntries(values) as OptionValues<Table>, words }
}

const columns = 34

const helpLine = ([name, { value, read, short, help }]: [string, OptionSpec]): string => {
  const names = `${short ? `-${short}, ` : ''}--${name}${read ? ` ${value}` : ''}`
  const start = `  ${names}`.padEnd(columns)
  return start.length > columns ? `${start}\n${' '.repeat(columns)}${help}` : `${start}${help}`
}

/** The options as lines of a help text. */
export const describeOptions = (table: OptionTable): string =>
  Object.entries(table).map(helpLine).join('\n')
