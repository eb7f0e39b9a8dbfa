import { expect, it } from 'vitest'
import { createXGrammar } from '../../../src/grammar/xgrammar-module.ts'

it('makes instances that do not share what goes wrong in one', async () => {
  const [broken, sound] = [await createXGrammar(), await createXGrammar()]
  expect(() => new broken.Grammar.FromEBNF('root ::= "a', 'root')).toThrow()
  expect(broken.takeMessages()).toContain('Expect " in string literal')
  expect(broken.takeMessages()).toBe('')
  new sound.Grammar.FromEBNF('root ::= "a"', 'root').delete()
  expect(sound.takeMessages()).toBe('')
})
