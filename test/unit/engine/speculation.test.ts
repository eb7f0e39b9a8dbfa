import { describe, expect, test } from 'vitest'
import { lookUpDraft, Speculation } from '../../../src/engine/speculation.ts'

describe('the lookup', () => {
  test.each([
    ['takes what followed the last occurrence', [7, 1, 2, 3, 4, 9, 1, 2], 2, [3, 4]],
    ['prefers the longer match', [5, 1, 2, 8, 8, 6, 1, 2, 9, 9, 5, 1, 2], 2, [8, 8]],
    ['prefers the later of equal matches', [1, 2, 8, 3, 1, 2, 9, 4, 1, 2], 1, [9]],
    ['goes on repeating a short period', [3, 4, 5, 4, 5], 4, [4, 5, 4, 5]],
    ['finds nothing for one token alone', [1, 7, 8, 1], 3, []],
    ['finds nothing in nothing', [], 3, []],
  ])('%s', (_, tokenIds, maxTokens, draft) => {
    expect(lookUpDraft(tokenIds, maxTokens)).toEqual(draft)
  })
})

const observeAll = (speculation: Speculation, tokenIds: number[], next: readonly number[]) => {
  for (const id of next) {
    tokenIds.push(id)
    speculation.observe(tokenIds)
  }
}

describe('the switch', () => {
  test('goes on once predictions come true and off once they do not', () => {
    const speculation = new Speculation(4)
    const tokenIds = [1, 2, 3, 1, 2, 3]
    observeAll(speculation, tokenIds, [1, 2, 3])
    expect(speculation.isOn).toBe(false)
    expect(speculation.draft(4)).toEqual([])
    observeAll(speculation, tokenIds, [1, 2, 3, 1])
    expect(speculation.isOn).toBe(true)
    expect(speculation.draft(2)).toEqual([2, 3])
    observeAll(speculation, tokenIds, [11, 12, 13, 14, 15, 16])
    expect(speculation.isOn).toBe(false)
  })
})
