import { describe, expect, test } from 'vitest'
import { Scheduler, type SchedulerOptions } from '../../../src/engine/scheduler.ts'
import type { SchedulerOutput } from '../../../src/engine/scheduler-output.ts'
import { eosTokenId, makeSequence, tokens } from './simulated-gpu.ts'

const createScheduler = (options: Partial<SchedulerOptions> = {}) =>
  new Scheduler({
    numBlocks: 16,
    maxNumSeqs: 4,
    maxNumBatchedTokens: 64,
    numExtraSamples: 8,
    eosTokenIds: new Set([eosTokenId]),
    enablePrefixCaching: true,
    ...options,
  })

const mustSchedule = (scheduler: Scheduler, budget?: number): SchedulerOutput => {
  const output = scheduler.schedule(budget)
  if (output === null) throw new Error('nothing was scheduled')
  scheduler.checkIntegrity()
  return output
}

const resultOf = (...tokenIds: number[]) => ({
  sampledTokenIds: Uint32Array.from(tokenIds),
  logprobs: null,
})

const report = (scheduler: Scheduler, output: SchedulerOutput, tokenId = 5) => {
  const tokenIds = Array.from({ length: output.numSamples }, () => tokenId)
  const sampled = scheduler.update(output, resultOf(...tokenIds))
  scheduler.checkIntegrity()
  return sampled
}

const summary = (output: SchedulerOutput) =>
  output.sequences.map(({ sequence, phase, start, numScheduledTokens, draws }) => [
    sequence.requestId,
    phase,
    start,
    numScheduledTokens,
    draws,
  ])

describe('chunked prefill', () => {
  test('splits a prompt at the budget and draws a token after its last chunk alone', () => {
    const scheduler = createScheduler({ maxNumBatchedTokens: 20 })
    scheduler.add(makeSequence('a', tokens(45)))
    const steps = [1, 2, 3, 4].map(() => mustSchedule(scheduler))
    expect(steps.map(summary)).toEqual([
      [['a', 'prefill', 0, 20, false]],
      [['a', 'prefill', 20, 20, false]],
      [['a', 'prefill', 40, 5, true]],
      [['a', 'decode', 45, 1, true]],
    ])
    expect(steps.map((step) => step.numSamples)).toEqual([0, 0, 1, 1])
  })

  test('takes exactly as many blocks as the tokens reach', () => {
    const scheduler = createScheduler({ maxNumBatchedTokens: 16 })
    const sequence = makeSequence('a', tokens(32))
    scheduler.add(sequence)
    const lengths = [1, 2, 3].map(() => {
      mustSchedule(scheduler)
      return sequence.blockTable.length
    })
    expect(lengths).toEqual([1, 2, 3])
  })

  test('puts decodes before prefill chunks and shares the budget between them', () => {
    const scheduler = createScheduler({ maxNumBatchedTokens: 20 })
    scheduler.add(makeSequence('a', tokens(10)))
    report(scheduler, mustSchedule(scheduler))
    scheduler.add(makeSequence('b', tokens(30, 3)))
    const output = mustSchedule(scheduler)
    expect(summary(output)).toEqual([
      ['a', 'decode', 10, 1, true],
      ['b', 'prefill', 0, 19, false],
    ])
    expect(output.numDecodeSequences).toBe(1)
    expect(output.numTokens).toBe(20)
    // The chunk of the later arrival is scheduled last but its decode comes first.
    scheduler.add(makeSequence('c', tokens(3, 11)))
    expect(summary(mustSchedule(scheduler))).toEqual([
      ['a', 'decode', 11, 1, true],
      ['b', 'prefill', 19, 11, true],
      ['c', 'prefill', 0, 3, true],
    ])
  })

  test('follows a budget smaller than its own', () => {
    const scheduler = createScheduler()
    scheduler.add(makeSequence('a', tokens(45)))
    expect(mustSchedule(scheduler, 16).numTokens).toBe(16)
  })

  test('runs no more sequences than there are slots, each in a slot of its own', () => {
    const scheduler = createScheduler({ maxNumSeqs: 2 })
    for (const [index, id] of ['a', 'b', 'c'].entries()) {
      scheduler.add(makeSequence(id, tokens(5, index), { maxTokens: 1 }))
    }
    const output = mustSchedule(scheduler)
    expect(output.sequences.map((entry) => entry.slot)).toEqual([0, 1])
    expect(scheduler.waiting.map((sequence) => sequence.requestId)).toEqual(['c'])
    report(scheduler, output)
    expect(summary(mustSchedule(scheduler))).toEqual([['c', 'prefill', 0, 5, true]])
  })
})

describe('prefix cache', () => {
  test('skips whole cached blocks, leaves one token to compute, and chunks the rest', () => {
    const scheduler = createScheduler({ maxNumBatchedTokens: 64 })
    scheduler.add(makeSequence('a', tokens(32), { maxTokens: 1 }))
    report(scheduler, mustSchedule(scheduler))
    scheduler.add(makeSequence('same', tokens(32), { maxTokens: 1 }))
    const longer = makeSequence('longer', tokens(60), { maxTokens: 1 })
    scheduler.add(longer)
    expect(summary(mustSchedule(scheduler, 26))).toEqual([
      ['same', 'prefill', 16, 16, true],
      ['longer', 'prefill', 32, 10, false],
    ])
    expect(longer.numCachedTokens).toBe(32)
    expect(scheduler.stats).toMatchObject({
      prefixCacheQueriedTokens: 124,
      prefixCacheHitTokens: 48,
    })
  })

  test('shares blocks between sequences that start in one step', () => {
    const scheduler = createScheduler()
    const first = makeSequence('a', tokens(20))
    const second = makeSequence('b', tokens(20))
    scheduler.add(first)
    scheduler.add(second)
    mustSchedule(scheduler)
    expect(second.blockTable[0]).toBe(first.blockTable[0])
    expect(second.blockTable[1]).not.toBe(first.blockTable[1])
  })

  test('finds output blocks once their tokens are known', () => {
    const scheduler = createScheduler()
    const prompt = tokens(15)
    scheduler.add(makeSequence('a', prompt))
    const first = mustSchedule(scheduler)
    const second = mustSchedule(scheduler) // computes position 15, whose id is on the GPU
    const sameStart = makeSequence('b', [...prompt, 5, 6, 7])
    expect(scheduler.blocks.findCachedPrefix(sameStart)).toEqual([])
    report(scheduler, first, 5)
    expect(scheduler.blocks.findCachedPrefix(sameStart)).toHaveLength(1)
    report(scheduler, second, 5)
  })

  test('keeps salts apart and can be turned off', () => {
    for (const options of [{ enablePrefixCaching: false }, {}]) {
      const scheduler = createScheduler(options)
      scheduler.add(makeSequence('a', tokens(40), { maxTokens: 1, cacheSalt: 'x' }))
      report(scheduler, mustSchedule(scheduler))
      const other = makeSequence('b', tokens(40), { cacheSalt: 'y' })
      expect(scheduler.blocks.findCachedPrefix(other)).toEqual([])
      const same = makeSequence('c', tokens(40), { cacheSalt: 'x' })
      const numHits = options.enablePrefixCaching === false ? 0 : 2
      expect(scheduler.blocks.findCachedPrefix(same)).toHaveLength(numHits)
    }
  })
})

const fillPool = (enablePrefixCaching = true) => {
  const scheduler = createScheduler({ numBlocks: 4, enablePrefixCaching })
  const early = makeSequence('early', tokens(31), { maxModelLen: 64 })
  const late = makeSequence('late', tokens(31, 9), { maxModelLen: 64 })
  scheduler.add(early)
  scheduler.add(late)
  report(scheduler, mustSchedule(scheduler))
  report(scheduler, mustSchedule(scheduler)) // position 31: both tables are full
  return { scheduler, early, late }
}

describe('preemption', () => {
  test('takes the blocks of the last arrival and resumes it where it stood', () => {
    const { scheduler, early, late } = fillPool()
    const output = mustSchedule(scheduler)
    expect(summary(output)).toEqual([['early', 'decode', 32, 1, true]])
    expect(late).toMatchObject({ status: 'waiting', slot: null, numComputedTokens: 0 })
    expect(late.tokenIds).toHaveLength(33)
    expect(scheduler.stats.numPreemptions).toBe(1)
    scheduler.abort(early)
    report(scheduler, output)
    // The head of its prompt outlived it in the cache; its tail was evicted first.
    expect(summary(mustSchedule(scheduler))).toEqual([['late', 'prefill', 16, 17, true]])
    expect(late.numCachedTokens).toBe(0)
  })

  test('computes all tokens again without a cache', () => {
    const { scheduler, early } = fillPool(false)
    const output = mustSchedule(scheduler)
    scheduler.abort(early)
    report(scheduler, output)
    expect(summary(mustSchedule(scheduler))).toEqual([['late', 'prefill', 0, 33, true]])
  })

  test('waits for blocks that are retiring instead of preempting more', () => {
    const scheduler = createScheduler({ numBlocks: 6 })
    for (const [index, id] of ['a', 'b', 'c'].entries()) {
      scheduler.add(makeSequence(id, tokens(30, index * 5), { maxModelLen: 96 }))
    }
    const first = mustSchedule(scheduler, 90)
    const steps = [mustSchedule(scheduler), mustSchedule(scheduler)] // positions 30 and 31
    expect(scheduler.schedule()).toBeNull() // 'a' needs a block: 'c' goes, its blocks retire
    expect(scheduler.stats.numPreemptions).toBe(1)
    expect(scheduler.schedule()).toBeNull()
    expect(scheduler.stats.numPreemptions).toBe(1)
    for (const step of [first, ...steps]) report(scheduler, step)
    // 'c' got what was drawn for it before it lost its blocks.
    expect(scheduler.waiting[0]?.tokenIds).toHaveLength(33)
    expect(summary(mustSchedule(scheduler))).toEqual([
      ['a', 'decode', 32, 1, true],
      ['b', 'decode', 32, 1, true],
    ])
  })

  test('does not resume a sequence before its drawn tokens are known', () => {
    const scheduler = createScheduler({ numBlocks: 4 })
    const early = makeSequence('early', tokens(31), { maxModelLen: 64 })
    const late = makeSequence('late', tokens(31, 9), { maxModelLen: 64 })
    scheduler.add(early)
    scheduler.add(late)
    const first = mustSchedule(scheduler)
    const second = mustSchedule(scheduler)
    expect(scheduler.schedule()).toBeNull()
    expect(late).toMatchObject({ status: 'waiting', numPendingTokens: 2 })
    scheduler.abort(early)
    report(scheduler, first)
    expect(scheduler.schedule()).toBeNull()
    report(scheduler, second)
    expect(late).toMatchObject({ numPendingTokens: 0 })
    expect(summary(mustSchedule(scheduler))[0]?.[0]).toBe('late')
  })

  test('a long request at the head of the queue is not overtaken', () => {
    const scheduler = createScheduler({ numBlocks: 4 })
    scheduler.add(makeSequence('running', tokens(30), { maxModelLen: 64, maxTokens: 1 }))
    const first = mustSchedule(scheduler)
    scheduler.add(makeSequence('long', tokens(60, 4), { maxModelLen: 64, maxTokens: 1 }))
    scheduler.add(makeSequence('short', tokens(5, 8), { maxModelLen: 64, maxTokens: 1 }))
    expect(scheduler.schedule()).toBeNull()
    report(scheduler, first)
    expect(summary(mustSchedule(scheduler))[0]?.[0]).toBe('long')
  })

  test('refuses a request that no pool of this size can finish', () => {
    const scheduler = createScheduler({ numBlocks: 4 })
    expect(() => scheduler.add(makeSequence('a', tokens(5), { maxTokens: 60 }))).toThrow(
      /may grow to 65 tokens, but the KV cache holds 64/,
    )
    scheduler.add(makeSequence('b', tokens(4), { maxTokens: 60 }))
  })
})

describe('run-ahead', () => {
  test('never draws past maxTokens or the context', () => {
    for (const limit of [{ maxTokens: 3 }, { maxModelLen: 13 }]) {
      const scheduler = createScheduler()
      const sequence = makeSequence('a', tokens(10), limit)
      scheduler.add(sequence)
      const steps = [1, 2, 3].map(() => mustSchedule(scheduler))
      expect(scheduler.schedule()).toBeNull()
      const sampled = steps.flatMap((step) => report(scheduler, step))
      expect(sampled.map((token) => token.stop?.finishReason ?? null)).toEqual([
        null,
        null,
        'length',
      ])
      expect(sequence.status).toBe('finished')
    }
  })

  test('drops what was drawn after a late stop and retires the blocks first', () => {
    const scheduler = createScheduler()
    const sequence = makeSequence('a', tokens(15))
    scheduler.add(sequence)
    const [first, second, third] = [1, 2, 3].map(() => mustSchedule(scheduler))
    if (!first || !second || !third) throw new Error('three steps')
    expect(sequence.numPendingTokens).toBe(3)
    expect(report(scheduler, first, eosTokenId)).toMatchObject([
      { tokenId: eosTokenId, stop: { finishReason: 'stop', stopTokenId: null } },
    ])
    expect(scheduler.blocks.numFreeBlocks).toBe(14)
    expect(scheduler.blocks.numRetiringBlocks).toBe(2)
    expect(report(scheduler, second)).toEqual([])
    expect(scheduler.blocks.numFreeBlocks).toBe(14)
    expect(report(scheduler, third)).toEqual([])
    expect(scheduler.blocks.numFreeBlocks).toBe(16)
    expect(sequence.tokenIds).toEqual([...tokens(15), eosTokenId])
  })

  test('does not hand out the blocks of a request that was aborted in flight', () => {
    const scheduler = createScheduler({ numBlocks: 4 })
    const sequence = makeSequence('a', tokens(60), { maxModelLen: 64 })
    scheduler.add(sequence)
    const first = mustSchedule(scheduler)
    scheduler.abort(sequence)
    scheduler.abort(sequence)
    scheduler.checkIntegrity()
    scheduler.add(makeSequence('b', tokens(20, 5), { maxModelLen: 64 }))
    expect(scheduler.schedule()).toBeNull()
    expect(report(scheduler, first)).toEqual([])
    expect(summary(mustSchedule(scheduler))).toEqual([['b', 'prefill', 0, 20, true]])
  })

  test('takes a cached block back while it retires', () => {
    const scheduler = createScheduler({ numBlocks: 4 })
    const sequence = makeSequence('a', tokens(20), { maxModelLen: 64 })
    scheduler.add(sequence)
    mustSchedule(scheduler)
    const [head] = sequence.blockTable
    scheduler.abort(sequence)
    const again = makeSequence('b', tokens(20), { maxModelLen: 64 })
    scheduler.add(again)
    mustSchedule(scheduler)
    expect(again.blockTable[0]).toBe(head)
  })

  test('aborts what still waits', () => {
    const scheduler = createScheduler({ maxNumSeqs: 1 })
    const [first, second] = [makeSequence('a', tokens(3)), makeSequence('b', tokens(3))]
    scheduler.add(first)
    scheduler.add(second)
    mustSchedule(scheduler)
    scheduler.abort(second)
    expect(scheduler.waiting).toEqual([])
    expect(second.status).toBe('finished')
  })

  test('insists on reports in order and of the right size', () => {
    const scheduler = createScheduler()
    scheduler.add(makeSequence('a', tokens(3)))
    const [first, second] = [mustSchedule(scheduler), mustSchedule(scheduler)]
    expect(() => scheduler.update(second, resultOf(1))).toThrow(/step 1 next/)
    expect(() => scheduler.update(first, resultOf())).toThrow(/reported 0 tokens/)
  })
})

test('sequences under a mask run ahead like others', () => {
  const scheduler = createScheduler()
  scheduler.add(makeSequence('a', tokens(5), { tokenMask: async () => null }))
  mustSchedule(scheduler)
  expect(summary(mustSchedule(scheduler))).toEqual([['a', 'decode', 5, 1, true]])
})

test('a reset forgets sequences, steps and cached blocks', () => {
  const scheduler = createScheduler()
  const sequence = makeSequence('a', tokens(40))
  scheduler.add(sequence)
  mustSchedule(scheduler)
  scheduler.reset()
  scheduler.checkIntegrity()
  expect(sequence.status).toBe('finished')
  expect(scheduler.blocks.numFreeBlocks).toBe(16)
  const again = makeSequence('b', tokens(40))
  expect(scheduler.blocks.findCachedPrefix(again)).toEqual([])
  scheduler.add(again)
  report(scheduler, mustSchedule(scheduler))
})

test('answers to one prompt share its full blocks, though none of them has ended', () => {
  const scheduler = createScheduler({ maxNumBatchedTokens: 20 })
  const answers = [0, 1, 2, 3].map((seed) => makeSequence(String(seed), tokens(40), { seed }))
  for (const sequence of answers) scheduler.add(sequence)
  for (let step = 0; step < 5; step++) report(scheduler, mustSchedule(scheduler), 1 + step)
  expect(scheduler.running).toHaveLength(4)
  const [first, ...others] = answers.map((sequence) => sequence.blockTable)
  // The third block has the prompt's last 8 tokens and the answer: each has its own.
  for (const table of others) expect(table.slice(0, 2)).toEqual(first?.slice(0, 2))
  expect(new Set(answers.map((sequence) => sequence.blockTable[2])).size).toBe(4)
  expect(scheduler.blocks.numFreeBlocks).toBe(16 - 2 - 4)
})

describe('priority', () => {
  test('serves lower numbers first, whenever they came', () => {
    const scheduler = createScheduler({ maxNumSeqs: 1 })
    for (const [id, priority] of [
      ['late', 1],
      ['first', 0],
      ['second', 0],
      ['urgent', -1],
    ] as const) {
      scheduler.add(makeSequence(id, tokens(3), { priority }))
    }
    expect(scheduler.waiting.map((s) => s.requestId)).toEqual(['urgent', 'first', 'second', 'late'])
  })

  test('preempts the least urgent sequence', () => {
    const scheduler = createScheduler({ numBlocks: 4 })
    scheduler.add(makeSequence('late', tokens(16), { priority: 3, maxTokens: 20 }))
    scheduler.add(makeSequence('early', tokens(16, 5), { maxTokens: 20 }))
    scheduler.add(makeSequence('urgent', tokens(16, 9), { priority: -1, maxTokens: 20 }))
    const steps = [1, 2].map(() => mustSchedule(scheduler))
    for (const step of steps) report(scheduler, step)
    expect(scheduler.waiting.map((s) => s.requestId)).toEqual(['late'])
  })

  test('lets a long urgent prompt take no stream its token', () => {
    const scheduler = createScheduler({ maxNumBatchedTokens: 16 })
    scheduler.add(makeSequence('a', tokens(5)))
    scheduler.add(makeSequence('b', tokens(5, 3)))
    report(scheduler, mustSchedule(scheduler))
    scheduler.add(makeSequence('long', tokens(60, 9), { priority: -1 }))
    report(scheduler, mustSchedule(scheduler))
    expect(summary(mustSchedule(scheduler))).toEqual([
      ['a', 'decode', 6, 1, true],
      ['b', 'decode', 6, 1, true],
      ['long', 'prefill', 14, 14, false],
    ])
  })
})

/** A sequence that repeats the ids 1 to 4 and has seen enough of it to draft. */
const startRepeating = (scheduler: Scheduler, maxTokens = 40) => {
  const prompt = [1, 2, 3, 4, 1, 2, 3, 4, 1]
  const sequence = makeSequence('a', prompt, { numSpeculativeTokens: 3, maxTokens })
  scheduler.add(sequence)
  const next = () => 1 + (sequence.tokenIds.length % 4)
  while (sequence.speculation?.isOn !== true) report(scheduler, mustSchedule(scheduler), next())
  return { sequence, length: sequence.tokenIds.length, next: next() }
}

describe('speculation', () => {
  test('verifies a draft with one row more for each of its tokens and keeps what is right', () => {
    const scheduler = createScheduler()
    const { sequence, length, next } = startRepeating(scheduler)
    const output = mustSchedule(scheduler)
    const right = [0, 1, 2, 3].map((at) => 1 + ((next - 1 + at) % 4))
    expect(output.sequences[0]).toMatchObject({
      phase: 'prefill',
      start: length - 1,
      numScheduledTokens: 4,
      numSamples: 4,
      draftTokenIds: right.slice(0, 3),
    })
    // How many tokens come is not known yet, so nothing can be scheduled on top.
    expect(scheduler.schedule()).toBeNull()
    const wrongAtTheThird = [right[0]!, right[1]!, 9, right[3]!]
    const sampled = scheduler.update(output, resultOf(...wrongAtTheThird))
    scheduler.checkIntegrity()
    expect(sampled.map((token) => token.tokenId)).toEqual([right[0], right[1], 9])
    expect(sequence.tokenIds.slice(length)).toEqual([right[0], right[1], 9])
    expect(sequence.numComputedTokens).toBe(length + 2)
    expect(scheduler.stats).toMatchObject({ numDrafts: 1, numDraftTokens: 3, numAcceptedTokens: 2 })
  })

  test('stops within an accepted draft', () => {
    const scheduler = createScheduler()
    const { sequence, length } = startRepeating(scheduler, 7)
    const output = mustSchedule(scheduler)
    expect(output.sequences[0]?.draftTokenIds.length).toBe(sequence.maxNumTokens - length - 1)
    const drafts = output.sequences[0]!.draftTokenIds
    const sampled = scheduler.update(output, resultOf(...drafts, 9))
    expect(sampled.at(-1)?.stop?.finishReason).toBe('length')
    expect(scheduler.blocks.numFreeBlocks).toBe(16)
  })

  test('drafts no more than there are sample rows', () => {
    const scheduler = createScheduler({ numExtraSamples: 1 })
    startRepeating(scheduler)
    expect(mustSchedule(scheduler).numSamples).toBe(2)
  })
})

test('computes the log probabilities of a prompt in chunks of the sample rows, cached or not', () => {
  const scheduler = createScheduler({ numExtraSamples: 8 })
  scheduler.add(makeSequence('cached', tokens(20), { maxTokens: 1 }))
  report(scheduler, mustSchedule(scheduler))
  const sequence = makeSequence('a', tokens(20), { promptLogprobs: 2, maxTokens: 1 })
  scheduler.add(sequence)
  const steps = [1, 2, 3].map(() => mustSchedule(scheduler))
  expect(steps.map((step) => [step.numTokens, step.numSamples])).toEqual([
    [9, 9],
    [9, 9],
    [2, 2],
  ])
  for (const step of steps) {
    const logprobs = Array.from({ length: step.numSamples }, (_, row) => ({
      tokenId: row,
      logprob: -step.stepId,
      rank: 1,
      top: [],
    }))
    const sampledTokenIds = new Uint32Array(step.numSamples).fill(7)
    const sampled = scheduler.update(step, { sampledTokenIds, logprobs })
    expect(sampled).toHaveLength(step === steps[2] ? 1 : 0)
  }
  expect(sequence.promptLogprobs?.map((entry) => entry?.tokenId ?? null)).toEqual([
    null,
    ...Array.from({ length: 18 }, (_, row) => row % 9),
    0,
  ])
})

test('a lost device preempts all; what no longer fits ends', () => {
  const scheduler = createScheduler()
  const long = makeSequence('long', tokens(100), { maxTokens: 20 })
  const short = makeSequence('short', tokens(10), { maxTokens: 20 })
  scheduler.add(short)
  scheduler.add(long)
  report(scheduler, mustSchedule(scheduler))
  const lost = mustSchedule(scheduler)
  expect(scheduler.preemptAll(5).map((s) => s.requestId)).toEqual(['long'])
  scheduler.checkIntegrity()
  expect(scheduler.blocks.numFreeBlocks).toBe(5)
  expect([short.status, long.status]).toEqual(['waiting', 'finished'])
  // The token of the lost step is drawn again.
  expect(summary(mustSchedule(scheduler))).toEqual([['short', 'prefill', 0, 11, true]])
  expect(() => scheduler.update(lost, resultOf(1))).toThrow(/next/)
})

test('the prefix cache is reset unless blocks are held', () => {
  const scheduler = createScheduler()
  scheduler.add(makeSequence('a', tokens(40), { maxTokens: 1 }))
  const output = mustSchedule(scheduler)
  expect(scheduler.blocks.resetPrefixCache()).toBe(false)
  report(scheduler, output)
  expect(scheduler.blocks.resetPrefixCache()).toBe(true)
  expect(scheduler.blocks.findCachedPrefix(makeSequence('b', tokens(40)))).toEqual([])
})
