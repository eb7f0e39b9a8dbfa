import { expect, it } from 'vitest'
import type { AnswerPosition } from '../../../src/grammar/grammar-api.ts'
import { createMaskBatch } from '../../../src/grammar/mask-batch.ts'

const at = (answer: number) => ({ answer, start: '', tokenIds: [] })

it('asks for all masks of one go together, and hands out each one’s own', async () => {
  const calls: number[][] = []
  const ask = createMaskBatch({
    masks: async (positions: readonly AnswerPosition[]) => {
      calls.push(positions.map(({ answer }) => answer))
      return positions.map(({ answer }) => Uint32Array.of(answer))
    },
  })
  const first = [1, 2, 3].map((answer) => ask(at(answer)))
  expect((await Promise.all(first)).map(([word]) => word)).toEqual([1, 2, 3])
  expect(await ask(at(4))).toEqual(Uint32Array.of(4))
  expect(calls).toEqual([[1, 2, 3], [4]])
})

it('fails all of a batch, and not the next one', async () => {
  let isBroken = true
  const ask = createMaskBatch({
    masks: async (positions) => {
      if (isBroken) throw new Error('broken')
      return positions.map(() => Uint32Array.of(1))
    },
  })
  const failed = await Promise.allSettled([ask(at(1)), ask(at(2))])
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  isBroken = false
  expect(await ask(at(1))).toEqual(Uint32Array.of(1))
})
