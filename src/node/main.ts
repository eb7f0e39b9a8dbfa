import { EngineError } from '../errors.ts'
import { version } from '../version.ts'
import { describeOptions, type OptionTable } from './command-line.ts'
import { nearestName } from './nearest-name.ts'
import { runCommand, runOptions } from './run-command.ts'
import { serveCommand, serveOptions } from './serve-command.ts'
import type { Streams } from './streams.ts'
import { UsageError } from './usage-error.ts'

type Command = {
  readonly usage: string
  readonly help: string
  readonly options: OptionTable
  readonly run: (given: readonly string[], streams: Streams) => Promise<number>
}

const commands: Readonly<Record<string, Command>> = {
  serve: {
    usage: 'quire-llm serve --model MODEL [--port 8000] [options]',
    help: "Answers vLLM's HTTP API (OpenAI-compatible) with one model.",
    options: serveOptions,
    run: serveCommand,
  },
  run: {
    usage: 'quire-llm run ["prompt"] --model MODEL [options]',
    help:
      'Answers a prompt: the argument, or stdin (-, or piped). Without one, in a terminal, holds a\n' +
      'conversation.',
    options: runOptions,
    run: runCommand,
  },
}

const overview = `Quire ${version}: vLLM's engine on WebGPU.

${Object.values(commands)
  .map(({ usage, help }) => `  ${usage}\n      ${help.replaceAll('\n', '\n      ')}\n`)
  .join('\n')}
  quire-llm serve --help, quire-llm run --help, quire-llm --version

Exit codes: 0 done, 1 failed, 2 a command line that can't be followed, 128 and more for a signal.
`

const helpOf = ({ usage, help, options }: Command): string =>
  `${usage}\n\n${help}\n\n${describeOptions(options)}\n`

const asksForHelp = (given: readonly string[]): boolean =>
  given.some((argument) => argument === '--help' || argument === '-h')

const unknownCommand = (name: string): UsageError => {
  const meant = nearestName(name, Object.keys(commands))
  const hint = meant ? `Did you mean quire-llm ${meant}?` : 'See quire-llm --help.'
  return new UsageError(`There is no command ${name}. ${hint}`)
}

const dispatch = async (given: readonly string[], streams: Streams): Promise<number> => {
  const [name = '--help', ...rest] = given
  if (name === '--version' || name === '-v') {
    streams.stdout.write(`${version}\n`)
    return 0
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    streams.stdout.write(overview)
    return given.length > 0 ? 0 : 2
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command) throw unknownCommand(name)
  if (asksForHelp(rest)) {
    streams.stdout.write(helpOf(command))
    return 0
  }
  return command.run(rest, streams)
}

/** The program `quire-llm`. Resolves to its exit code, with what went wrong told on stderr. */
export const main = async (given: readonly string[], streams: Streams): Promise<number> => {
  try {
    return await dispatch(given, streams)
  } catch (thrown) {
    const isExpected = thrown instanceof UsageError || thrown instanceof EngineError
    const text = isExpected || !(thrown instanceof Error) ? String(thrown) : (thrown.stack ?? '')
    streams.stderr.write(`quire-llm: ${text.replace(/^(UsageError|EngineError): /, '')}\n`)
    return thrown instanceof UsageError ? 2 : 1
  }
}
