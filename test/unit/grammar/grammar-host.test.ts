import { expect, it } from 'vitest'
import { GrammarHost } from '../../../src/grammar/grammar-host.ts'
import { allowedIds } from './toy-vocabulary.ts'

it('forgets what is released', async () => {
  const host = new GrammarHost()
  const bytes = new TextEncoder().encode('ab')
  await host.open({ bytes, ends: Uint32Array.of(1, 2, 2), stopTokenIds: [2] })
  const grammar = await host.compile({ kind: 'choice', choices: ['ab'] })
  const answer = await host.startAnswer(grammar, [])
  await host.release(grammar)
  await expect(host.startAnswer(grammar, [])).rejects.toThrow('no grammar')
  const [mask = null] = await host.masks([{ answer, start: '', tokenIds: [0] }])
  expect(allowedIds(mask, 3)).toEqual([1])
  await host.release(answer)
  await expect(host.masks([{ answer, start: '', tokenIds: [] }])).rejects.toThrow('no answer')
})
