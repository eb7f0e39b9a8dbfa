import { EngineError } from '../errors.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { type Constraint, type GrammarSource, toGrammarSource } from './constraint.ts'
import { refuseConstraint } from './refusal.ts'
import { type Thinking, ThinkingGate, type TokenMask } from './thinking-gate.ts'
import { TokenMatcher } from './token-matcher.ts'
import { createTokenBytes } from './vocabulary.ts'
import {
  createXGrammar,
  deleteWhenCollected,
  type Handle,
  type XGrammar,
} from './xgrammar-module.ts'

export type GrammarsOptions = {
  readonly tokenizer: Tokenizer
  /** Ids that the model has logits for. */
  readonly vocabSize: number
  /** Ids that end an answer: possible wherever the constraint is met, and nowhere else. */
  readonly stopTokenIds: readonly number[]
  /** Special tokens that an answer may hold, such as the markers of tool calls. */
  readonly markers?: readonly string[]
}

/** A constraint, ready for any number of answers. */
export type CompiledConstraint = {
  /** The masks of one output, by its ids so far. */
  createTokenMask(options?: TokenMaskOptions): TokenMask
}

export type TokenMaskOptions = {
  /** Absent or null where the output is the answer from its first token on. */
  readonly thinking?: Thinking | null
  /** Ids that the answer can't hold although its text may: markers that would be read as such. */
  readonly forbiddenIds?: readonly number[]
}

/** The constraints of one model. */
export type Grammars = {
  readonly stopTokenIds: readonly number[]
  /**
   * Compiles a constraint, or finds it compiled. The first call fetches the library and hands it the
   * vocabulary.
   *
   * @throws EngineError `invalid-request` for a constraint that is wrong or can't be kept.
   */
  compile(constraint: Constraint): Promise<CompiledConstraint>
}

type Ready = { readonly xgrammar: XGrammar; readonly compile: (grammar: Handle) => Handle }

/** Tokens that are handed over between two looks at the messages that wait. */
const sliceLength = 4096
const maxCompiled = 32

const nextTask = () => new Promise<void>((resolve) => setTimeout(resolve))

const noBytes = new Uint8Array()

const loadVocabulary = async (xgrammar: XGrammar, options: GrammarsOptions): Promise<Handle> => {
  const { tokenizer, vocabSize, stopTokenIds, markers = [] } = options
  const bytesOf = createTokenBytes(tokenizer)
  const kept = new Set(markers)
  // A token without bytes fits nowhere: special tokens are no text, so no constraint means them.
  const silent = new Set(
    [...tokenizer.addedTokens].flatMap(([text, { id, special }]) =>
      special && !kept.has(text) ? [id] : [],
    ),
  )
  const vocabulary = new xgrammar.VectorString()
  for (let id = 0; id < vocabSize; id += 1) {
    vocabulary.push_back(silent.has(id) ? noBytes : bytesOf(id))
    if (id % sliceLength === 0) await nextTask()
  }
  const stops = xgrammar.vecIntFromJSArray(stopTokenIds.filter((id) => id < vocabSize))
  const info = new xgrammar.TokenizerInfo(vocabulary, 'RAW', vocabSize, stops, false)
  vocabulary.delete()
  stops.delete()
  return info
}

const prepare = async (options: GrammarsOptions): Promise<Ready> => {
  const xgrammar = await createXGrammar()
  const info = await loadVocabulary(xgrammar, options)
  const compiler = new xgrammar.GrammarCompiler(info, 1, false)
  return { xgrammar, compile: (grammar) => compiler.CompileGrammar(grammar) }
}

const parse = ({ Grammar }: XGrammar, { kind, text }: GrammarSource): Handle =>
  kind === 'ebnf' ? new Grammar.FromEBNF(text, 'root') : Grammar.FromStructuralTag(text)

/** `[FATAL] <its source file>:<line>: <what is wrong>`. */
const readMessages = (messages: string): string =>
  messages
    .split('\n')
    .map((line) => /^\[FATAL\] \S+:\d+: (.*)/.exec(line)?.[1])
    .find((text) => text !== undefined) ?? 'XGrammar does not understand it.'

/**
 * Parses grammars for their errors alone. XGrammar gives up by aborting, which leaves its stack where
 * it stood, so an instance that has aborted is thrown away: this one has no vocabulary to lose.
 */
const createChecker = () => {
  let instance: Promise<XGrammar> | null = null
  return async (source: GrammarSource): Promise<void> => {
    instance ??= createXGrammar()
    const xgrammar = await instance
    try {
      parse(xgrammar, source).delete()
    } catch (cause) {
      instance = null
      if (cause instanceof EngineError) throw cause
      throw refuseConstraint(`The grammar is invalid: ${readMessages(xgrammar.takeMessages())}`)
    }
  }
}

/** Grammars for the answers of one model. Nothing is loaded before the first one is compiled. */
export const createGrammars = (options: GrammarsOptions): Grammars => {
  let ready: Promise<Ready> | null = null
  const check = createChecker()
  /** By source, the one that was used last at the end. */
  const compiled = new Map<string, CompiledConstraint>()

  const compileSource = (
    { xgrammar, compile }: Ready,
    source: GrammarSource,
  ): CompiledConstraint => {
    const handle = tryToCompile(xgrammar, compile, source)
    const constraint: CompiledConstraint = {
      createTokenMask({ thinking = null, forbiddenIds = [] } = {}) {
        const matcher = new TokenMatcher(xgrammar, handle, { ...options, forbiddenIds })
        const gate = thinking && new ThinkingGate({ ...options, matcher, thinking })
        return (tokenIds) => (gate ?? matcher).mask(tokenIds)
      },
    }
    deleteWhenCollected(constraint, handle)
    return constraint
  }
  /** What is too much for its memory makes XGrammar abort too, and this instance useless. */
  const tryToCompile = (
    xgrammar: XGrammar,
    compile: Ready['compile'],
    source: GrammarSource,
  ): Handle => {
    try {
      const grammar = parse(xgrammar, source)
      const handle = compile(grammar)
      grammar.delete()
      return handle
    } catch {
      ready = null
      compiled.clear()
      throw refuseConstraint('The grammar is too large to compile. Use a simpler one.')
    }
  }
  const find = async (source: GrammarSource): Promise<CompiledConstraint> => {
    const key = `${source.kind} ${source.text}`
    const parts = await (ready ??= prepare(options))
    const found = compiled.get(key) ?? compileSource(parts, source)
    compiled.delete(key)
    compiled.set(key, found)
    const [oldest] = compiled.keys()
    if (compiled.size > maxCompiled && oldest !== undefined) compiled.delete(oldest)
    return found
  }
  return {
    stopTokenIds: options.stopTokenIds,
    async compile(constraint) {
      const source = toGrammarSource(constraint)
      // Ours can't be wrong; what a request brings along can.
      if (constraint.kind === 'grammar' || constraint.kind === 'structural-tag') await check(source)
      return find(source)
    },
  }
}
