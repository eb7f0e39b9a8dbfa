import { describe, expect, it } from 'vitest'
import { CommandRecorder } from '../../src/gpu/command-recorder.ts'
import type { Reduction } from '../../src/gpu/device.ts'
import { PipelineCache } from '../../src/gpu/pipeline-cache.ts'
import { createTensor } from '../../src/gpu/tensor.ts'
import { adjustLogitsGrid, bindAdjustLogits } from '../../src/kernels/adjust-logits.ts'
import { adjustReference, type LogitKnobs } from '../reference/sampling.ts'
import { poison, randomFloats, readTensor, testContext } from './context.ts'
import { plainSample, stepWords, unadjusted, type SampleKnobs } from './step-fixture.ts'

// Two whole chunks and a few ids, with the last word of the mask incomplete.
const vocabSize = 4099
const maxNumSamples = 32

const createAdjust = async (reduction: Reduction) => {
  const context = await testContext(reduction)
  const { device } = context
  const tensors = {
    step: createTensor(device, 'step', 65_536 * 4),
    last_tokens: createTensor(device, 'last tokens', maxNumSamples * 4),
    logits: createTensor(device, 'logits', maxNumSamples * vocabSize * 4),
    adjusted: createTensor(device, 'adjusted', (maxNumSamples + 1) * vocabSize * 4),
  }
  const variant = { reduction: context.reduction, vocabSize }
  const kernel = await bindAdjustLogits(new PipelineCache(context), variant, tensors)
  return async (logits: Float32Array<ArrayBuffer>, samples: readonly SampleKnobs[]) => {
    poison(device, tensors.adjusted)
    poison(device, tensors.last_tokens)
    device.queue.writeBuffer(tensors.logits.buffer, 0, logits)
    device.queue.writeBuffer(tensors.step.buffer, 0, stepWords([], samples, vocabSize).words)
    for (const { slot, adjust, hasPendingToken } of samples) {
      if (!hasPendingToken) continue
      const pending = Uint32Array.of(adjust?.outputTokenIds.at(-1) ?? 0)
      device.queue.writeBuffer(tensors.last_tokens.buffer, slot * 4, pending)
    }
    const recorder = new CommandRecorder(device)
    recorder.dispatch(kernel, adjustLogitsGrid(vocabSize, samples.length))
    recorder.submit()
    const words = new Uint32Array(await readTensor(device, tensors.adjusted))
    expect(words[samples.length * vocabSize]).toBe(0x7fc0_dead)
    return words.subarray(0, samples.length * vocabSize)
  }
}

const sample = (adjust: Partial<LogitKnobs>, hasPendingToken = false): SampleKnobs => ({
  ...plainSample,
  adjust: { ...unadjusted, ...adjust },
  hasPendingToken,
})

const everyThird = new Set(Array.from({ length: vocabSize / 3 }, (_, i) => 3 * i + 1))
const penalties = { repetitionPenalty: 1.3, presencePenalty: 0.7, frequencyPenalty: -0.4 }
// Ids in each chunk, at both ends of a chunk, with positive and negative logits, some repeated.
const promptTokenIds = [0, 1, 5, 2047, 2048, 3000, 4098, 5]
const outputTokenIds = [7, 5, 2048, 7, 7, 4095, 2047]
const { NEGATIVE_INFINITY } = Number
const bias = new Map([
  [2, 5.5],
  [5, -3.25],
  [2049, NEGATIVE_INFINITY],
  [4098, 100],
])

const rows: readonly (readonly [string, SampleKnobs])[] = [
  ['nothing', plainSample],
  ['a mask', sample({ allowed: everyThird })],
  ['biases and a ban', sample({ bias })],
  ['repetition of the prompt', sample({ promptTokenIds, repetitionPenalty: 1.5 })],
  ['repetition of the output', sample({ outputTokenIds, repetitionPenalty: 0.6 })],
  ['presence', sample({ promptTokenIds, outputTokenIds, presencePenalty: 1.25 })],
  ['frequency', sample({ promptTokenIds, outputTokenIds, frequencyPenalty: 0.3 })],
  ['all', sample({ ...penalties, promptTokenIds, outputTokenIds, bias, allowed: everyThird })],
  ['all but a mask', sample({ ...penalties, promptTokenIds, outputTokenIds, bias })],
  ['a pending token alone', sample({ ...penalties, outputTokenIds: [2048] }, true)],
  ['a pending token of the output', sample({ ...penalties, outputTokenIds: [9, 3, 9] }, true)],
  [
    'a pending token of the prompt',
    sample({ ...penalties, promptTokenIds: [4097, 8], outputTokenIds: [3, 4097] }, true),
  ],
  [
    'a pending token with a bias',
    sample({ ...penalties, bias: new Map([[77, 2.5]]), outputTokenIds: [77] }, true),
  ],
  [
    'a pending token that is ruled out',
    sample({ ...penalties, allowed: everyThird, outputTokenIds: [3] }, true),
  ],
].map(([name, knobs], slot) => [name as string, { ...(knobs as SampleKnobs), slot }])

const logits = randomFloats(rows.length * vocabSize, 21).map((x) => x * 9)
const rowOf = (values: Float32Array<ArrayBuffer>, row: number) =>
  values.slice(row * vocabSize, (row + 1) * vocabSize)
const bitsOf = (values: Float32Array<ArrayBuffer>) => new Uint32Array(values.buffer)

describe.each(['none', 'workgroup'] as const)('adjust-logits (%s)', async (reduction) => {
  const run = await createAdjust(reduction)

  it('gives the logits of the reference for every kind of adjustment', async () => {
    const words = await run(
      logits,
      rows.map(([, knobs]) => knobs),
    )
    const adjusted = new Float32Array(words.slice().buffer)
    for (const [row, [name, { adjust }]] of rows.entries()) {
      const given = rowOf(logits, row)
      const expected = adjust ? adjustReference(given, adjust) : given
      const wrong = [...rowOf(adjusted, row)].flatMap((got, id) => {
        const want = expected[id] ?? 0
        // What nothing changes must keep its bits; a penalty may round twice less than the oracle.
        const isExact = Object.is(want, given[id]) || !Number.isFinite(want)
        const bound = isExact ? 0 : 1e-6 * Math.max(1, Math.abs(want))
        return got === want || Math.abs(got - want) <= bound ? [] : [{ id, got, want }]
      })
      expect({ name, wrong }).toEqual({ name, wrong: [] })
    }
  })

  it('gives a row the same bits alone as among others', async () => {
    const together = await run(
      logits,
      rows.map(([, knobs]) => knobs),
    )
    const whole = together.slice()
    for (const row of [0, 8, 10]) {
      const alone = await run(rowOf(logits, row), [rows[row]![1]])
      expect(alone.slice()).toEqual(whole.slice(row * vocabSize, (row + 1) * vocabSize))
    }
  })

  it('counts a pending token as one that the host has counted', async () => {
    const outputs = [[2048], [9, 3, 9], [3, 4097]]
    const given = (isPending: boolean) =>
      outputs.map((tokens, slot) => ({
        ...sample({ ...penalties, promptTokenIds: [4097], outputTokenIds: tokens }, isPending),
        slot,
      }))
    const first = logits.slice(0, outputs.length * vocabSize)
    const counted = (await run(first, given(false))).slice()
    expect((await run(first, given(true))).slice()).toEqual(counted)
  })

  it('passes NaN and infinities through, whatever is done to them', async () => {
    const odd = new Float32Array(vocabSize)
    odd.set([Number.NaN, Number.POSITIVE_INFINITY, NEGATIVE_INFINITY, -0, 1, 2])
    const all = [0, 1, 2, 3, 4, 5]
    const given = sample({
      ...penalties,
      promptTokenIds: all,
      outputTokenIds: all,
      bias: new Map([
        [0, 1],
        [1, -1],
        [2, 1],
        [5, NEGATIVE_INFINITY],
      ]),
    })
    const words = await run(odd, [given])
    expect(words.slice(0, 3)).toEqual(bitsOf(odd).slice(0, 3))
    expect(words[5]).toBe(0xff80_0000)
    const plain = await run(odd, [plainSample])
    expect(plain.slice()).toEqual(bitsOf(odd))
  })
})
