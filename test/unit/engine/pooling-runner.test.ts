import { expect, it } from 'vitest'
import { PoolingRunner } from '../../../src/engine/pooling-runner.ts'
import { requestGpu } from '../../../src/gpu/device.ts'
import { PipelineCache } from '../../../src/gpu/pipeline-cache.ts'
import { readModelOutline } from '../../../src/model-files.ts'
import { modelTensors } from '../../../src/models/create-model.ts'
import type { DenseConfig } from '../../../src/models/pooling-config.ts'
import { createFolderSource } from '../../../src/node/folder-source.ts'
import { createWeightLoader } from '../../../src/weights/weight-loader.ts'
import { FakeGpu } from '../gpu/fake-gpu.ts'

/** XLM-R with a Dense module of 64 to 24, which is told to be something else. */
const create = async (change: Partial<DenseConfig> = {}) => {
  const source = createFolderSource('test/fixtures/embedding-models/tiny-xlm-roberta')
  const { config, pooling, tensors } = await readModelOutline(source)
  const gpu = new FakeGpu()
  const context = await requestGpu(gpu.asGpu())
  const pipelines = new PipelineCache(context)
  const index = modelTensors(tensors, config)
  const dense = pooling!.dense.map((layer) => ({ ...layer, ...change }))
  const runner = PoolingRunner.create({
    context,
    pipelines,
    config,
    pooling: { ...pooling!, dense },
    weights: createWeightLoader(
      { context, pipelines },
      { index, quantization: 'none', dtype: 'auto' },
    ),
    limits: { maxNumTokens: 32, maxNumSequences: 2, maxModelLen: 32 },
  })
  await Promise.allSettled([runner])
  await source.close()
  return { runner, device: gpu.devices[0]! }
}

it('gives vectors as long as the last Dense module makes them', async () => {
  const { runner } = await create()
  expect((await runner).width).toBe(24)
})

it.each([{ inFeatures: 32 }, { outFeatures: 32 }])(
  'refuses a module that is not its weight: %j',
  async (change) => {
    const { runner } = await create(change)
    await expect(runner).rejects.toMatchObject({
      code: 'invalid-file',
      message: expect.stringContaining('The Dense module 2_Dense turns'),
    })
  },
)

it('runs no step once its device is lost', async () => {
  const { runner, device } = await create()
  const ready = await runner
  device.destroy()
  expect(await ready.failed).toMatchObject({ code: 'device-lost' })
  expect(() => ready.execute([[1]])).toThrow(/lost/)
})
