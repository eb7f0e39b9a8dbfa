import { type CompiledConstraint, createGrammars } from '../../../src/grammar/grammars.ts'
import { allowedIds, byteIds, endId, toyTokenizer, toyVocabSize } from './toy-vocabulary.ts'

export const toyGrammars = createGrammars({
  tokenizer: toyTokenizer,
  vocabSize: toyVocabSize,
  stopTokenIds: [endId],
})

/** Whether the masks let a text through, byte by byte, and then its end. */
export const accepts = (constraint: CompiledConstraint, text: string): boolean => {
  const ids = [...byteIds(text), endId]
  const mask = constraint.createTokenMask()
  return ids.every((id, at) => allowedIds(mask(ids.slice(0, at))).includes(id))
}

export const compileSchema = (schema: unknown): Promise<CompiledConstraint> =>
  toyGrammars.compile({ kind: 'json', schema, options: {} })

/** Draws among the allowed tokens until the end; null where none comes. */
export const walk = (
  constraint: CompiledConstraint,
  random: () => number,
  longest = 2000,
): string | null => {
  const mask = constraint.createTokenMask()
  const ids: number[] = []
  while (ids.length < longest) {
    const allowed = allowedIds(mask(ids))
    const id = allowed[Math.floor(random() * allowed.length)]
    if (id === undefined) return null
    if (id === endId) return toyTokenizer.decode(ids)
    ids.push(id)
  }
  return null
}
