import { EngineError } from '../errors.ts'
import type { Constraint } from './constraint.ts'
import type { AnswerPosition, GrammarApi, Vocabulary } from './grammar-api.ts'
import { type GrammarSource, toGrammarSource } from './grammar-source.ts'
import { refuseConstraint } from './refusal.ts'
import { TokenMatcher } from './token-matcher.ts'
import {
  createXGrammar,
  deleteWhenCollected,
  type Handle,
  type XGrammar,
} from './xgrammar-module.ts'

/** A compiler with the vocabulary in it. */
type Ready = { readonly xgrammar: XGrammar; readonly compile: (grammar: Handle) => Handle }

/** A compiled constraint, for any number of answers. */
type Compiled = { readonly xgrammar: XGrammar; readonly handle: Handle }

/** Constraints that are kept for requests to come. */
const maxCompiled = 32

const prepare = async ({ bytes, ends, stopTokenIds }: Vocabulary): Promise<Ready> => {
  const xgrammar = await createXGrammar()
  const vocabulary = new xgrammar.VectorString()
  for (const [id, end] of ends.entries()) {
    vocabulary.push_back(bytes.subarray(id === 0 ? 0 : ends[id - 1], end))
  }
  const stops = xgrammar.vecIntFromJSArray(stopTokenIds)
  const info = new xgrammar.TokenizerInfo(vocabulary, 'RAW', ends.length, stops, false)
  vocabulary.delete()
  stops.delete()
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

const unknown = (what: string, id: number): EngineError =>
  new EngineError('internal', `There is no ${what} ${id}: it was released, or never made.`)

/** Grammars by XGrammar, on the thread that it is created on. The library comes with `open`. */
export class GrammarHost implements GrammarApi {
  readonly #check = createChecker()
  #vocabulary: Vocabulary | null = null
  #ready: Promise<Ready> | null = null
  /** By source, the one that was used last at the end. */
  readonly #bySource = new Map<string, Compiled>()
  readonly #grammars = new Map<number, Compiled>()
  readonly #answers = new Map<number, TokenMatcher>()
  #lastId = 0

  async open(vocabulary: Vocabulary): Promise<void> {
    this.#vocabulary = vocabulary
    await this.#prepare()
  }

  async compile(constraint: Constraint): Promise<number> {
    const source = toGrammarSource(constraint)
    // Ours can't be wrong; what a request brings along can.
    const isGiven = constraint.kind === 'grammar' || constraint.kind === 'structural-tag'
    if (isGiven) await this.#check(source)
    const key = `${source.kind} ${source.text}`
    const parts = await this.#prepare()
    const compiled = this.#bySource.get(key) ?? this.#compileSource(parts, source)
    this.#bySource.delete(key)
    this.#bySource.set(key, compiled)
    const [oldest] = this.#bySource.keys()
    if (this.#bySource.size > maxCompiled && oldest !== undefined) this.#bySource.delete(oldest)
    this.#lastId += 1
    this.#grammars.set(this.#lastId, compiled)
    return this.#lastId
  }

  async startAnswer(grammar: number, forbiddenIds: readonly number[]): Promise<number> {
    const compiled = this.#grammars.get(grammar)
    if (!compiled || !this.#vocabulary) throw unknown('grammar', grammar)
    const { ends, stopTokenIds } = this.#vocabulary
    this.#lastId += 1
    const options = { vocabSize: ends.length, stopTokenIds, forbiddenIds }
    const matcher = new TokenMatcher(compiled.xgrammar, compiled.handle, options)
    this.#answers.set(this.#lastId, matcher)
    return this.#lastId
  }

  async masks(positions: readonly AnswerPosition[]): Promise<Uint32Array[]> {
    return positions.map(({ answer, start, tokenIds }) => {
      const matcher = this.#answers.get(answer)
      if (!matcher) throw unknown('answer', answer)
      return matcher.mask(start, tokenIds)
    })
  }

  async release(id: number): Promise<void> {
    this.#grammars.delete(id)
    this.#answers.delete(id)
  }

  #prepare(): Promise<Ready> {
    if (!this.#vocabulary) throw new EngineError('internal', 'The grammars have no vocabulary yet.')
    this.#ready ??= prepare(this.#vocabulary)
    return this.#ready
  }

  /** What is too much for its memory makes XGrammar abort too, and its instance useless. */
  #compileSource({ xgrammar, compile }: Ready, source: GrammarSource): Compiled {
    try {
      const grammar = parse(xgrammar, source)
      const compiled = { xgrammar, handle: compile(grammar) }
      grammar.delete()
      deleteWhenCollected(compiled, compiled.handle)
      return compiled
    } catch {
      this.#ready = null
      this.#bySource.clear()
      throw refuseConstraint('The grammar is too large to compile. Use a simpler one.')
    }
  }
}
