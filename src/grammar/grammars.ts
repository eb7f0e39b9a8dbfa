import { EngineError } from '../errors.ts'
import type { Constraint } from './constraint.ts'
import type { GrammarApi, GrammarConnection } from './grammar-api.ts'
import { createMaskBatch } from './mask-batch.ts'
import { type AnswerMask, type Thinking, ThinkingGate, type TokenMask } from './thinking-gate.ts'
import { readVocabulary, type VocabularyOptions } from './vocabulary.ts'

export type GrammarsOptions = VocabularyOptions & {
  /** Called when the first constraint is to be compiled, and again after a failure. */
  readonly connect: () => GrammarConnection
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
   * Compiles a constraint, or finds it compiled. The first call starts what compiles and hands it the
   * vocabulary.
   *
   * @throws EngineError `invalid-request` for a constraint that is wrong or can't be kept.
   */
  compile(constraint: Constraint): Promise<CompiledConstraint>
  dispose(): void
}

// Answers end in many ways, and each would have to release what it used by hand.
const collected = new FinalizationRegistry<() => void>((release) => release())

type Opened = GrammarConnection & { readonly askMask: ReturnType<typeof createMaskBatch> }

const releaseWhenCollected = (owner: object, api: GrammarApi, id: Promise<number>): void =>
  collected.register(owner, () => {
    void id.then((known) => api.release(known)).catch(() => {})
  })

/** The masks of one answer. */
const startAnswer = (
  { api, askMask }: Opened,
  grammar: number,
  forbiddenIds: readonly number[],
): AnswerMask => {
  const started = api.startAnswer(grammar, forbiddenIds)
  // Whoever asks for a mask is told; nobody may.
  started.catch(() => {})
  const mask: AnswerMask = async (start, tokenIds) =>
    askMask({ answer: await started, start, tokenIds })
  releaseWhenCollected(mask, api, started)
  return mask
}

/** Grammars for the answers of one model. Nothing is started before the first one is compiled. */
export const createGrammars = (options: GrammarsOptions): Grammars => {
  let opened: Promise<Opened> | null = null
  const open = async (): Promise<Opened> => {
    const vocabulary = await readVocabulary(options)
    const connection = options.connect()
    try {
      await connection.api.open(vocabulary)
      return { ...connection, askMask: createMaskBatch(connection.api) }
    } catch (thrown) {
      connection.stop()
      throw thrown
    }
  }
  const stop = () => {
    void opened?.then((connection) => connection.stop()).catch(() => {})
    opened = null
  }
  const compileIn = async (connection: Opened, constraint: Constraint) => {
    const grammar = await connection.api.compile(constraint)
    const compiled: CompiledConstraint = {
      createTokenMask({ thinking = null, forbiddenIds = [] } = {}) {
        const answerMask = startAnswer(connection, grammar, forbiddenIds)
        if (!thinking) return (tokenIds) => answerMask('', tokenIds)
        const gate = new ThinkingGate({ ...options, answerMask, thinking })
        return (tokenIds) => gate.mask(tokenIds)
      },
    }
    releaseWhenCollected(compiled, connection.api, Promise.resolve(grammar))
    return compiled
  }
  return {
    stopTokenIds: options.stopTokenIds,
    async compile(constraint) {
      try {
        opened ??= open()
        return await compileIn(await opened, constraint)
      } catch (thrown) {
        const error = EngineError.from(thrown)
        if (error.code !== 'invalid-request') stop()
        throw error
      }
    },
    dispose: stop,
  }
}
