import { createGrammars, type Grammars } from '../../../src/grammar/grammars.ts'
import { connectHere } from '../grammar/toy-grammars.ts'
import type { Tokenizer } from '../../../src/tokenizer/tokenizer.ts'

/** For scripted engines, which follow no mask: constraints are compiled, and refused where wrong. */
export const testGrammars = (tokenizer: Tokenizer): Grammars =>
  createGrammars({ tokenizer, vocabSize: 64, stopTokenIds: [0], connect: connectHere })
