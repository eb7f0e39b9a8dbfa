import { expect, it } from 'vitest'
import { buildPoolingEngine } from '../../src/build-pooling-engine.ts'
import { readModelOutline } from '../../src/model-files.ts'
import { repositorySource } from './test-engine.ts'
import { testContext } from './context.ts'

it('a model that embeds gives the same vectors after its device was lost', async () => {
  const source = await repositorySource('test/fixtures/embedding-models/tiny-bert')
  const { config, pooling, tensors } = await readModelOutline(source)
  const devices: GPUDevice[] = []
  const requestContext = async () => {
    const context = await testContext()
    devices.push(context.device)
    return context
  }
  const engine = await buildPoolingEngine(
    {
      config,
      pooling: pooling!,
      source,
      requestContext,
      options: { model: 'tiny-bert' },
      quantization: 'stored',
    },
    { context: await requestContext(), tensors },
  )
  await source.close()
  const embed = () => {
    const texts = [[7, 8, 9], [10], [11, 12, 13, 14]]
    const requests = texts.map((promptTokenIds) =>
      engine.addRequest({ promptTokenIds, normalize: true }),
    )
    return Promise.all(requests.map(({ vector }) => vector))
  }
  const before = await embed()
  // While a step is under way, and while none is.
  const during = embed()
  devices[0]!.destroy()
  expect(await during).toEqual(before)
  devices[1]!.destroy()
  expect(await embed()).toEqual(before)
  expect(engine.stats().numDeviceLosses).toBe(2)
  engine.dispose()
})
