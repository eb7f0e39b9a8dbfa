import { expect } from 'vitest'
import { CommandRecorder } from '../../src/gpu/command-recorder.ts'
import type { Reduction } from '../../src/gpu/device.ts'
import { PipelineCache } from '../../src/gpu/pipeline-cache.ts'
import { createTensor } from '../../src/gpu/tensor.ts'
import { readLogprobRow, type LogprobRow } from '../../src/kernels/logprobs.ts'
import type { Gpu } from '../../src/layers/gpu.ts'
import { createTokenSampler } from '../../src/layers/token-sampler.ts'
import { poison, readTensor, testContext } from './context.ts'
import { noSlot, stepWords, type SampleKnobs } from './step-fixture.ts'

const maxListed = 32

export const createGpu = async (reduction: Reduction): Promise<Gpu> => {
  const context = await testContext(reduction)
  return { context, pipelines: new PipelineCache(context) }
}

export type SamplerRun = {
  readonly tokens: readonly number[]
  /** One entry a row, null for rows that did not ask. */
  readonly logprobs: readonly (LogprobRow | null)[]
  readonly numDispatches: number
}

/** A sampler whose every buffer starts each run full of NaN. */
export const createSampler = async (gpu: Gpu, vocabSize: number, maxNumSamples: number) => {
  const { device } = gpu.context
  const tensors = {
    logits: createTensor(device, 'logits', maxNumSamples * vocabSize * 4),
    step: createTensor(device, 'step', 2 ** 20),
    lastTokens: createTensor(device, 'last tokens', maxNumSamples * 4),
    sampledTokens: createTensor(device, 'sampled tokens', (maxNumSamples + 1) * 4),
  }
  const sampler = await createTokenSampler(gpu, {
    ...tensors,
    vocabSize,
    maxNumSamples,
    maxListed,
  })

  const prepare = (logits: Float32Array<ArrayBuffer>, samples: readonly SampleKnobs[]): void => {
    const { queue } = device
    for (const tensor of [tensors.sampledTokens, tensors.lastTokens, sampler.logprobs]) {
      poison(device, tensor)
    }
    queue.writeBuffer(tensors.logits.buffer, 0, logits)
    queue.writeBuffer(tensors.step.buffer, 0, stepWords([], samples, vocabSize).words)
    for (const { slot, adjust, hasPendingToken } of samples) {
      if (!hasPendingToken) continue
      const pending = Uint32Array.of(adjust?.outputTokenIds.at(-1) ?? 0)
      queue.writeBuffer(tensors.lastTokens.buffer, slot * 4, pending)
    }
  }

  return async (
    logits: Float32Array<ArrayBuffer>,
    samples: readonly SampleKnobs[],
  ): Promise<SamplerRun> => {
    prepare(logits, samples)
    const recorder = new CommandRecorder(device)
    sampler.encode(recorder, samples.length, {
      adjustsLogits: samples.some(({ adjust }) => adjust !== undefined),
      logprobs: Math.max(...samples.map((sample) => sample.logprobs ?? 0)),
    })
    recorder.submit()
    const tokens = new Uint32Array(await readTensor(device, tensors.sampledTokens))
    const last = new Uint32Array(await readTensor(device, tensors.lastTokens))
    const bytes = await readTensor(device, sampler.logprobs)
    samples.forEach(({ slot }, i) => {
      if (slot !== noSlot) expect(last[slot]).toBe(tokens[i])
    })
    const slots = new Set(samples.map(({ slot }) => slot))
    const untouched = last.filter((_, slot) => !slots.has(slot))
    expect(untouched.every((word) => word === 0x7fc0_dead)).toBe(true)
    expect(tokens[samples.length]).toBe(0x7fc0_dead)
    return {
      tokens: [...tokens.subarray(0, samples.length)],
      logprobs: samples.map(({ logprobs = 0 }, sample) =>
        logprobs > 0 ? readLogprobRow(bytes, { sample, maxListed, numListed: logprobs - 1 }) : null,
      ),
      numDispatches: recorder.numDispatches,
    }
  }
}
