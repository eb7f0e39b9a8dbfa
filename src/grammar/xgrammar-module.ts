import { EngineError } from '../errors.ts'

/** An object that lives in the module's memory until `delete` is called. */
export type Handle = { delete(): void }

export type Matcher = Handle & {
  AcceptToken(tokenId: number, verbose: boolean): boolean
  AcceptString(text: string, verbose: boolean): boolean
  GetNextTokenBitmask(vocabSize: number): Handle
  IsTerminated(): boolean
  Reset(): void
}

const collected = new FinalizationRegistry<Handle>((handle) => handle.delete())

/** Ties a handle to an object: answers end in many ways, and each would have to free it by hand. */
export const deleteWhenCollected = (owner: object, handle: Handle): void =>
  collected.register(owner, handle)

type Compiler = Handle & { CompileGrammar(grammar: Handle): Handle }

/** The bindings of XGrammar 0.1.27, as far as Quire uses them. A class is called with `new`. */
type Bindings = {
  readonly Grammar: {
    readonly FromEBNF: new (grammar: string, rootRule: string) => Handle
    FromStructuralTag(json: string): Handle
  }
  readonly TokenizerInfo: new (
    vocabulary: Handle,
    vocabularyType: 'RAW',
    vocabSize: number,
    stopTokenIds: Handle,
    prependsSpace: boolean,
  ) => Handle
  readonly GrammarCompiler: new (info: Handle, numThreads: 1, caches: boolean) => Compiler
  readonly GrammarMatcher: new (
    grammar: Handle,
    stopTokenIds: undefined,
    endsWithoutStopToken: boolean,
    maxRollbackTokens: -1,
  ) => Matcher
  readonly VectorString: new () => Handle & { push_back(bytes: Uint8Array): void }
  vecIntFromJSArray(numbers: readonly number[]): Handle
  /** A view into the module's memory. */
  vecIntToView(vector: Handle): Int32Array
}

export type XGrammar = Bindings & {
  /** What the module last complained about, since the last call, one message a line. */
  takeMessages(): string
}

type Print = (line: string) => void
type Factory = (options: { readonly print: Print; readonly printErr: Print }) => Promise<Bindings>

const mostMessages = 20

/**
 * A new instance of XGrammar, with a memory of its own. The library, 1.1 MB with its wasm, is fetched
 * at the first call.
 *
 * @throws EngineError `internal` when the build did not turn the library into a module (see
 * `useXGrammarFactory` in vite.config.ts).
 */
export const createXGrammar = async (): Promise<XGrammar> => {
  const library: { readonly default: unknown } = await import('@mlc-ai/web-xgrammar')
  if (typeof library.default !== 'function') {
    throw new EngineError('internal', 'The XGrammar library was bundled without its factory.')
  }
  const messages: string[] = []
  const create = library.default as Factory
  const print = (line: string) => {
    messages.push(line)
    if (messages.length > mostMessages) messages.shift()
  }
  const bindings = await create({ print, printErr: print })
  return Object.assign(bindings, { takeMessages: () => messages.splice(0).join('\n') })
}
