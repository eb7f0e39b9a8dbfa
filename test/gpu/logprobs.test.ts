import { describe, expect, it } from 'vitest'
import { CommandRecorder } from '../../src/gpu/command-recorder.ts'
import type { Reduction } from '../../src/gpu/device.ts'
import { PipelineCache } from '../../src/gpu/pipeline-cache.ts'
import { createTensor } from '../../src/gpu/tensor.ts'
import {
  bindLogprobs,
  logprobsBytes,
  logprobsGrid,
  readLogprobRow,
  type LogprobRow,
} from '../../src/kernels/logprobs.ts'
import type { Gpu } from '../../src/layers/gpu.ts'
import { logprobsReference } from '../reference/sampling.ts'
import { poison, randomFloats, readTensor, testContext } from './context.ts'
import { plainSample, stepWords } from './step-fixture.ts'

const maxListed = 128
const maxNumSamples = 8
const { NaN: nan, NEGATIVE_INFINITY: masked } = Number

type Row = {
  readonly logits: ArrayLike<number>
  /** 0 for none, else 1 + how many others. */
  readonly logprobs: number
  /** The others; the most likely by default. */
  readonly logprobTokenIds?: readonly number[]
  readonly drawn: number
  readonly target?: number
}

const createGpu = async (reduction: Reduction): Promise<Gpu> => {
  const context = await testContext(reduction)
  return { context, pipelines: new PipelineCache(context) }
}

/** The rows of the kernel's result, null where none was asked for. */
const createLogprobs = async ({ context, pipelines }: Gpu, vocabSize: number) => {
  const { device, reduction } = context
  const tensors = {
    step: createTensor(device, 'step', 1024 * 4),
    logits: createTensor(device, 'logits', maxNumSamples * vocabSize * 4),
    sampled_tokens: createTensor(device, 'sampled tokens', maxNumSamples * 4),
    logprobs: createTensor(device, 'logprobs', logprobsBytes(maxListed, maxNumSamples)),
  }
  const variant = { reduction, vocabSize, maxListed }
  const kernel = await bindLogprobs(pipelines, variant, tensors)
  return async (rows: readonly Row[]) => {
    const { queue } = device
    const samples = rows.map(({ logprobs, logprobTokenIds, target }, slot) => ({
      ...plainSample,
      slot,
      logprobs,
      ...(target !== undefined && { target }),
      ...(logprobTokenIds && { logprobTokenIds }),
    }))
    poison(device, tensors.logprobs)
    rows.forEach(({ logits }, row) => {
      queue.writeBuffer(tensors.logits.buffer, row * vocabSize * 4, Float32Array.from(logits))
    })
    queue.writeBuffer(tensors.step.buffer, 0, stepWords([], samples).words)
    queue.writeBuffer(
      tensors.sampled_tokens.buffer,
      0,
      Uint32Array.from(rows, (row) => row.drawn),
    )
    const recorder = new CommandRecorder(device)
    recorder.dispatch(kernel, logprobsGrid(rows.length))
    recorder.submit()
    const bytes = await readTensor(device, tensors.logprobs)
    const words = new Uint32Array(bytes)
    return rows.map(({ logprobs }, sample): LogprobRow | null => {
      const start = logprobsBytes(maxListed, sample) / 4
      const end = logprobsBytes(maxListed, sample + 1) / 4
      const numWritten = logprobs > 0 ? 2 * logprobs : 0
      const rest = words.subarray(start + numWritten, end)
      expect(rest.every((word) => word === 0x7fc0_dead)).toBe(true)
      if (logprobs === 0) return null
      return readLogprobRow(bytes, { sample, maxListed, numListed: logprobs - 1 })
    })
  }
}

const keyOf = (logit: number): number => (Number.isNaN(logit) ? masked : logit)

const isClose = (a = nan, b = nan) => a === b || Math.abs(a - b) <= 1e-4

const expectRow = (got: LogprobRow | null | undefined, row: Row) => {
  if (row.logprobs === 0) {
    expect(got).toBeNull()
    return
  }
  const logits = Array.from(row.logits, keyOf)
  const logprobs = logprobsReference(logits)
  const target = row.target ?? row.drawn
  expect(got?.rank).toBe(logits.filter((logit) => logit >= logits[target]!).length)
  expect([got?.logprob, logprobs[target]]).toSatisfy(() => isClose(got?.logprob, logprobs[target]))
  const mostLikely = logits
    .map((_, id) => id)
    .sort((a, b) => (logits[a] === logits[b] ? a - b : logits[b]! - logits[a]!))
    .slice(0, row.logprobs - 1)
  const listed = row.logprobTokenIds ?? mostLikely
  expect(got?.top.map(({ tokenId }) => tokenId)).toEqual(listed)
  const wrong = got?.top.filter(({ tokenId, logprob }) => !isClose(logprob, logprobs[tokenId]))
  expect(wrong).toEqual([])
}

const naming = (
  logprobTokenIds: readonly number[],
  row: Omit<Row, 'logprobs' | 'logprobTokenIds'>,
): Row => ({ ...row, logprobTokenIds, logprobs: 1 + logprobTokenIds.length })

/** In no order, some of them more than once. */
const randomIds = (length: number, vocabSize: number): number[] =>
  Array.from(randomFloats(length, vocabSize), (x) => Math.floor(Math.abs(x) * 1e4) % vocabSize)

const randomRows = (vocabSize: number): Row[] => {
  const logits = (seed: number, scale: number) =>
    randomFloats(vocabSize, seed + vocabSize).map((x) => x * scale)
  const last = vocabSize - 1
  return [
    { logits: logits(1, 5), logprobs: 6, drawn: last },
    { logits: logits(2, 40), logprobs: 33, drawn: 0, target: last >> 1 },
    { logits: logits(3, 5), logprobs: 0, drawn: 0 },
    { logits: logits(4, 0.01), logprobs: 1, drawn: last >> 2 },
    // Many ties: whole numbers only.
    { logits: logits(5, 3).map(Math.round), logprobs: 21, drawn: last },
    { logits: logits(6, 1).fill(-2.5), logprobs: 8, drawn: 0 },
    naming(randomIds(maxListed, vocabSize), { logits: logits(7, 5), drawn: 0 }),
    naming([last, 0, last], { logits: logits(8, 40), drawn: last >> 1 }),
  ]
}

// One form for these: the last test shows that the other gives the same bits.
describe('logprobs', async () => {
  const gpu = await createGpu('none')

  it.each([1, 31, 32, 33, 4099])('equal the reference, %i tokens', async (vocabSize) => {
    const run = await createLogprobs(gpu, vocabSize)
    const rows = randomRows(vocabSize)
    const got = await run(rows)
    rows.forEach((row, i) => expectRow(got[i], row))
    // The same bits alone as among others.
    expect(await run(rows.slice(1, 2))).toEqual([got[1]])
  })

  it('leave NaN and masked tokens out of the sum and last in order', async () => {
    const run = await createLogprobs(gpu, 6)
    const rows: Row[] = [
      { logits: [nan, 1, masked, 2, 2, -0], logprobs: 9, drawn: 3 },
      { logits: [nan, 1, masked, 2, 2, -0], logprobs: 3, drawn: 2 },
      { logits: [masked, masked, masked, masked, masked, 4], logprobs: 3, drawn: 5 },
      naming([0, 2, 4], { logits: [nan, 1, masked, 2, 2, -0], drawn: 3 }),
    ]
    const [full, second, sole, named] = await run(rows)
    const order = [3, 4, 1, 5, 2, 0]
    expect(full?.top.map(({ tokenId }) => tokenId)).toEqual(order)
    expect([full?.rank, second?.rank, second?.logprob]).toEqual([2, 5, masked])
    expect(full?.top.slice(4).map(({ logprob }) => logprob)).toEqual([masked, masked])
    const [a, b] = [Math.log(2 * Math.exp(2) + Math.exp(1) + 1), full?.logprob ?? nan]
    expect(b).toBeCloseTo(2 - a, 5)
    expect([sole?.logprob, sole?.rank, sole?.top[0]]).toEqual([0, 1, { tokenId: 5, logprob: 0 }])
    expect(named?.top.map(({ logprob }) => logprob)).toEqual([masked, masked, full?.logprob])
  })

  it.each([
    ['spread', 12],
    // The sum of 151,936 equal masses is where plain f32 sums go astray.
    ['flat', 1e-6],
  ])('stay within 1e-4 over 151,936 tokens, %s', async (_, scale) => {
    const vocabSize = 151_936
    const run = await createLogprobs(gpu, vocabSize)
    const logits = randomFloats(vocabSize, 77).map((x) => x * scale)
    // One token above a floor: each mass is about 0.3 of it.
    logits[5000] = scale < 1 ? 1.2 : 12.5
    const row: Row = { logits, logprobs: 4, drawn: 12_345 }
    const named = naming(randomIds(maxListed, vocabSize), { logits, drawn: 12_345 })
    const got = await run([row, named])
    expectRow(got[0], row)
    expectRow(got[1], named)
  })
})

it('have the same bits in every form', async () => {
  const rows = randomRows(4099)
  const forms = (['none', 'workgroup'] as const).map(async (reduction) => {
    const run = await createLogprobs(await createGpu(reduction), 4099)
    return run(rows)
  })
  const [plain, grouped] = await Promise.all(forms)
  expect(grouped).toEqual(plain)
})
