import { expect, test } from 'vitest'
import type { SamplingParams } from '../../../src/engine/sampling-params.ts'
import { checkStop } from '../../../src/engine/stop-checker.ts'
import { makeSequence } from './simulated-gpu.ts'

const eos = 2
const otherEos = 9
const stop = (stopTokenId: number | null) => ({ finishReason: 'stop', stopTokenId })
const length = { finishReason: 'length', stopTokenId: null }

type Case = [
  what: string,
  params: Partial<SamplingParams> & { maxModelLen?: number },
  outputs: number[],
  expected: unknown,
]

test.each<Case>([
  ['an ordinary token', {}, [5], null],
  ['end of sequence', {}, [5, eos], stop(null)],
  ['another of the ids that end a text', {}, [otherEos], stop(otherEos)],
  ['the same, ignored', { ignoreEos: true }, [otherEos], null],
  ['end of sequence in the prompt alone', {}, [], null],
  ['end of sequence, ignored', { ignoreEos: true }, [eos], null],
  ['a stop id', { stopTokenIds: [7, 8] }, [8], stop(8)],
  ['a stop id before the last token', { stopTokenIds: [8] }, [8, 5], null],
  ['a stop id that is also the end', { stopTokenIds: [eos] }, [eos], stop(null)],
  ['the same with the end ignored', { stopTokenIds: [eos], ignoreEos: true }, [eos], stop(eos)],
  ['an end too early', { minTokens: 3 }, [5, eos], null],
  ['a stop id too early', { minTokens: 3, stopTokenIds: [8] }, [5, 8], null],
  ['an end in time', { minTokens: 3 }, [5, eos, eos], stop(null)],
  ['maxTokens', { maxTokens: 2 }, [5, 5], length],
  ['maxTokens not reached', { maxTokens: 3 }, [5, 5], null],
  ['the end at maxTokens', { maxTokens: 2 }, [5, eos], stop(null)],
  ['a full context', { maxModelLen: 5 }, [5, 5], length],
  ['a full context before minTokens', { maxModelLen: 5, minTokens: 9 }, [5, 5], length],
])('%s', (_, params, outputs, expected) => {
  const sequence = makeSequence('a', [1, 3, eos], params)
  sequence.tokenIds.push(...outputs)
  expect(checkStop(sequence, new Set([eos, otherEos]))).toEqual(expected)
})
