import { GrammarHost } from '../../../src/grammar/grammar-host.ts'
import { type CompiledConstraint, createGrammars } from '../../../src/grammar/grammars.ts'
import { allowedIds, byteIds, endId, toyTokenizer, toyVocabSize } from './toy-vocabulary.ts'

/** On the thread of the test. */
export const connectHere = () => ({ api: new GrammarHost(), stop: () => {} })

export const toyGrammars = createGrammars({
  tokenizer: toyTokenizer,
  vocabSize: toyVocabSize,
  stopTokenIds: [endId],
  connect: connectHere,
})

/** Whether the masks let a text through, byte by byte, and then its end. */
export const accepts = async (constraint: CompiledConstraint, text: string): Promise<boolean> => {
  const ids = [...byteIds(text), endId]
  const mask = constraint.createTokenMask()
  for (const [at, id] of ids.entries()) {
    if (!allowedIds(await mask(ids.slice(0, at))).includes(id)) return false
  }
  return true
}

/** Those of some texts that it lets through. */
export const acceptedOf = async (
  constraint: CompiledConstraint,
  texts: readonly string[],
): Promise<string[]> => {
  const accepted: string[] = []
  for (const text of texts) if (await accepts(constraint, text)) accepted.push(text)
  return accepted
}

export const compileSchema = (schema: unknown): Promise<CompiledConstraint> =>
  toyGrammars.compile({ kind: 'json', schema, options: {} })

/** Draws among the allowed tokens until the end; null where none comes. */
export const walk = async (
  constraint: CompiledConstraint,
  random: () => number,
  longest = 2000,
): Promise<string | null> => {
  const mask = constraint.createTokenMask()
  const ids: number[] = []
  while (ids.length < longest) {
    const allowed = allowedIds(await mask(ids))
    const id = allowed[Math.floor(random() * allowed.length)]
    if (id === undefined) return null
    if (id === endId) return toyTokenizer.decode(ids)
    ids.push(id)
  }
  return null
}
