import { beforeEach, describe, expect, it } from 'vitest'
import type { StepSummary } from '../../../src/engine/model-executor.ts'
import { ModelRunner } from '../../../src/engine/model-runner.ts'
import { requestGpu } from '../../../src/gpu/device.ts'
import { PipelineCache } from '../../../src/gpu/pipeline-cache.ts'
import { parseModelConfig } from '../../../src/models/parse-config.ts'
import { createFolderSource } from '../../../src/node/folder-source.ts'
import { openSafetensors } from '../../../src/weights/safetensors.ts'
import { createWeightLoader } from '../../../src/weights/weight-loader.ts'
import { type FakeDevice, FakeGpu } from '../gpu/fake-gpu.ts'

const source = createFolderSource('test/fixtures/models/tiny-qwen3')

let gpu: FakeGpu
let device: FakeDevice
let runner: ModelRunner

const create = async (memoryBytes = Infinity): Promise<ModelRunner> => {
  gpu = new FakeGpu(memoryBytes)
  const context = await requestGpu(gpu.asGpu())
  device = gpu.devices[0]!
  const pipelines = new PipelineCache(context)
  return ModelRunner.create({
    context,
    pipelines,
    config: parseModelConfig(await source.readJson('config.json')),
    weights: createWeightLoader(
      { context, pipelines },
      { index: await openSafetensors(source), quantization: 'none', dtype: 'auto' },
    ),
    kvFormat: 'f16',
    numBlocks: 16,
    maxModelLen: 64,
    maxNumSeqs: 4,
    maxNumSamples: 4,
    maxNumBatchedTokens: 32,
  })
}

/** One prompt of three tokens; the last of them is sampled, or none is. */
const stepOf = (numSamples: 0 | 1) => {
  const input = new Uint32Array(64)
  input.set([3, 1, numSamples, 16, 19, 22, 25, 28, 30, 31, 1, 32])
  input.set([0, 3], 28)
  input[30] = 3
  const summary: StepSummary = {
    stepId: 1,
    numTokens: 3,
    numSequences: 1,
    numSamples,
    adjustsLogits: false,
    logprobs: 0,
    numDecodeSequences: 0,
    maxContextLength: 3,
    maxQueryLength: 3,
  }
  return [input, summary] as const
}

const isPending = async (promise: Promise<unknown>): Promise<boolean> => {
  const later = new Promise((resolve) => setTimeout(() => resolve('later'), 5))
  return (await Promise.race([promise, later])) === 'later'
}

describe('a model runner whose device goes away', () => {
  beforeEach(async () => {
    runner = await create()
  })

  it('gives results and has not failed as long as the device lives', async () => {
    const { sampledTokenIds } = await runner.execute(...stepOf(1)).result
    expect(sampledTokenIds).toEqual(new Uint32Array(1))
    expect((await runner.execute(...stepOf(0)).result).sampledTokenIds).toHaveLength(0)
    expect(await isPending(runner.failed)).toBe(true)
  })

  it.each([0, 1] as const)('fails the step in flight, with %i samples', async (numSamples) => {
    const { result } = runner.execute(...stepOf(numSamples))
    device.destroy()
    await expect(result).rejects.toMatchObject({ code: 'device-lost' })
    expect((await runner.failed).code).toBe('device-lost')
  })

  it('delivers nothing that was read back before the loss but not yet handed on', async () => {
    device.afterMap = () => device.destroy()
    const { result } = runner.execute(...stepOf(1))
    await expect(result).rejects.toMatchObject({ code: 'device-lost' })
  })

  it('says so when nothing is in flight, and refuses later steps', async () => {
    device.destroy()
    expect(await runner.failed).toMatchObject({ code: 'device-lost', message: /the test pulled/ })
    expect(() => runner.execute(...stepOf(1))).toThrow(/lost/)
  })

  it('tells memory that ran out in a step from a lost device', async () => {
    const { result } = runner.execute(...stepOf(1))
    device.reportOutOfMemory()
    await expect(result).rejects.toMatchObject({ code: 'out-of-memory' })
    expect((await runner.failed).code).toBe('out-of-memory')
  })

  it('reports a step that WebGPU refused', async () => {
    const { result } = runner.execute(...stepOf(1))
    device.report('validation', { message: 'a bind group is missing' })
    await expect(result).rejects.toMatchObject({ code: 'internal', message: /bind group/ })
  })

  it('has not failed when it is disposed of, though its steps end', async () => {
    const { result } = runner.execute(...stepOf(1))
    runner.dispose()
    await expect(result).rejects.toMatchObject({ code: 'disposed' })
    expect(await isPending(runner.failed)).toBe(true)
    expect(device.isLost).toBe(true)
  })
})

describe('a model runner for which there is too little memory', () => {
  it('finds the KV cache too large before it reads a weight', async () => {
    await expect(create(100_000)).rejects.toMatchObject({ code: 'out-of-memory' })
    expect(device.numSubmits).toBe(0)
  })

  it('finds weights and scratch too large', async () => {
    await expect(create(1_000_000)).rejects.toMatchObject({ code: 'out-of-memory' })
  })
})
