import { describe, expect, test } from 'vitest'
import { BlockManager } from '../../../src/engine/block-manager.ts'
import type { Sequence } from '../../../src/engine/sequence.ts'
import { makeSequence, tokens } from './simulated-gpu.ts'

const createBlocks = (numBlocks = 8, enablePrefixCaching = true) =>
  new BlockManager({ numBlocks, enablePrefixCaching })

/** Gives a sequence its blocks, from the cache if possible, and counts its tokens as computed. */
const place = (blocks: BlockManager, sequence: Sequence, stepId = 0): boolean => {
  const cached = blocks.findCachedPrefix(sequence)
  if (!blocks.allocate(sequence, sequence.tokenIds.length, cached)) return false
  sequence.numComputedTokens = sequence.tokenIds.length
  sequence.lastStepId = stepId
  blocks.cacheFullBlocks(sequence)
  return true
}

describe('allocation', () => {
  test('is all or nothing', () => {
    const blocks = createBlocks(3)
    const sequence = makeSequence('a', tokens(49))
    expect(place(blocks, sequence)).toBe(false)
    expect(blocks.numFreeBlocks).toBe(3)
    expect(sequence.blockTable).toEqual([])
    expect(blocks.allocate(sequence, 48)).toBe(true)
    expect(blocks.numFreeBlocks).toBe(0)
    expect(blocks.allocate(sequence, 48)).toBe(true)
    expect(blocks.numMissingBlocks(sequence, 49)).toBe(1)
  })

  test('does not count cached free blocks twice', () => {
    const blocks = createBlocks(3)
    const first = makeSequence('a', tokens(32))
    place(blocks, first)
    blocks.free(first)
    // Two cached blocks are among the three free ones: a third and a fourth are needed.
    expect(place(blocks, makeSequence('b', [...tokens(32), ...tokens(20, 3)]))).toBe(false)
    expect(place(blocks, makeSequence('c', [...tokens(32), 5]))).toBe(true)
  })

  test('evicts the least recently used first, and a tail before its head', () => {
    const blocks = createBlocks(4)
    const old = makeSequence('old', tokens(32))
    const young = makeSequence('young', tokens(32, 5))
    place(blocks, old)
    place(blocks, young)
    blocks.free(old)
    blocks.free(young)
    place(blocks, makeSequence('new', tokens(10, 9)))
    const hits = (start: number) =>
      blocks.findCachedPrefix(makeSequence('probe', [...tokens(32, start), 1])).length
    expect([hits(0), hits(5)]).toEqual([1, 2])
    expect(blocks.allocate(makeSequence('newer', tokens(20, 9)), 20)).toBe(true)
    expect([hits(0), hits(5)]).toEqual([0, 1])
  })
})

describe('prefix cache', () => {
  test('hits whole blocks and at most all tokens but one', () => {
    const blocks = createBlocks()
    place(blocks, makeSequence('a', tokens(40)))
    const hitsOf = (length: number) =>
      blocks.findCachedPrefix(makeSequence('b', tokens(length))).length
    expect([15, 16, 17, 32, 33, 40, 60].map(hitsOf)).toEqual([0, 0, 1, 1, 2, 2, 2])
  })

  test('depends on every token before a block', () => {
    const blocks = createBlocks()
    place(blocks, makeSequence('a', tokens(40)))
    const changed = tokens(40).with(3, 9)
    expect(blocks.findCachedPrefix(makeSequence('b', changed))).toEqual([])
    const other = makeSequence('other', tokens(40, 5))
    place(blocks, other)
    const mixed = [...tokens(16), ...tokens(40, 5).slice(16)]
    expect(blocks.findCachedPrefix(makeSequence('mixed', mixed))).toEqual([0])
  })

  test('a salt that looks like a key is still a salt', () => {
    const blocks = createBlocks()
    place(blocks, makeSequence('a', tokens(40)))
    const shifted = makeSequence('b', tokens(40).slice(16), { cacheSalt: '0' })
    expect(blocks.findCachedPrefix(shifted)).toEqual([])
  })

  test('finds content that two sequences computed side by side while either holds it', () => {
    const blocks = createBlocks(4)
    const [first, second] = [makeSequence('a', tokens(17)), makeSequence('b', tokens(17))]
    for (const sequence of [first, second]) blocks.allocate(sequence, 17)
    for (const sequence of [first, second]) {
      sequence.numComputedTokens = 17
      blocks.cacheFullBlocks(sequence)
    }
    blocks.checkIntegrity([first, second])
    const [kept] = second.blockTable
    blocks.free(first)
    blocks.allocate(makeSequence('c', tokens(32, 7)), 32)
    expect(blocks.findCachedPrefix(makeSequence('d', tokens(17)))).toEqual([kept])
  })

  test('does not grow beyond the blocks there are', () => {
    const blocks = createBlocks(4)
    for (let round = 0; round < 50; round++) {
      const sequence = makeSequence('a', [...tokens(20, round), 1 + (round % 23), ...tokens(30)])
      place(blocks, sequence)
      blocks.free(sequence)
      blocks.checkIntegrity([])
    }
    expect(blocks.numFreeBlocks).toBe(4)
  })

  test('finds nothing when it is off', () => {
    const blocks = createBlocks(8, false)
    place(blocks, makeSequence('a', tokens(40)))
    expect(blocks.findCachedPrefix(makeSequence('b', tokens(40)))).toEqual([])
    expect(blocks.isCached(0)).toBe(false)
  })
})

describe('retirement', () => {
  test('keeps blocks until the last step that writes them is done', () => {
    const blocks = createBlocks(4)
    const [first, second] = [makeSequence('a', tokens(17)), makeSequence('b', tokens(17, 4))]
    place(blocks, first, 2)
    place(blocks, second, 1)
    blocks.free(first)
    blocks.free(second)
    expect([blocks.numFreeBlocks, blocks.numRetiringBlocks]).toEqual([0, 4])
    blocks.completeStep(1)
    expect([blocks.numFreeBlocks, blocks.numRetiringBlocks]).toEqual([2, 2])
    blocks.completeStep(2)
    expect([blocks.numFreeBlocks, blocks.numRetiringBlocks]).toEqual([4, 0])
  })

  test('leaves a block alone that another sequence still holds', () => {
    const blocks = createBlocks(4)
    const [first, second] = [makeSequence('a', tokens(17)), makeSequence('b', tokens(17))]
    place(blocks, first, 1)
    place(blocks, second, 2)
    blocks.free(first)
    expect(blocks.numRetiringBlocks).toBe(1)
    blocks.checkIntegrity([second])
    blocks.free(second)
    blocks.completeStep(2)
    expect(blocks.numFreeBlocks).toBe(4)
  })
})

const placed = () => {
  const blocks = createBlocks()
  const sequence = makeSequence('a', tokens(20))
  place(blocks, sequence)
  return { blocks, sequence }
}

describe('checkIntegrity', () => {
  test('names a lost block', () => {
    const { blocks, sequence } = placed()
    sequence.blockTable.pop()
    sequence.numComputedTokens = 16
    expect(() => blocks.checkIntegrity([sequence])).toThrow(/block 1 counts 1 references, tables 0/)
  })

  test('names a shared block that is not full', () => {
    const { blocks, sequence } = placed()
    const thief = makeSequence('b', tokens(3))
    blocks.allocate(thief, 3, sequence.blockTable.slice(1))
    expect(() => blocks.checkIntegrity([sequence, thief])).toThrow(/block 1 is shared by 2/)
  })

  test('notices content that is not what the tokens say', () => {
    const { blocks, sequence } = placed()
    sequence.tokenIds[4] = 23
    expect(() => blocks.checkIntegrity([sequence])).toThrow(/block 0 of request a .* other tokens/)
  })

  test('notices a table that is too short', () => {
    const { blocks, sequence } = placed()
    sequence.numComputedTokens = 33
    expect(() => blocks.checkIntegrity([sequence])).toThrow(/more computed tokens than room/)
  })
})
