import { create } from 'webgpu'
import { requestGpu } from '../../src/gpu/device.ts'
import { loadFromSource } from '../../src/load-model.ts'
import type { LoadOptions } from '../../src/load-options.ts'
import { createFolderSource } from '../../src/node/folder-source.ts'
import { createFetch } from '../../src/server/create-fetch.ts'
import { bench, type BenchRow } from './bench.ts'

// Kept for as long as the process lives: Dawn's devices do not outlive a collected instance.
const gpu = create([])

/** Called by run.mjs; `model` is a folder. */
export const runBench = async (
  options: LoadOptions & { readonly model: string },
): Promise<{ adapter: string; rows: BenchRow[] }> => {
  const source = createFolderSource(options.model)
  const { vocab_size: vocabSize, num_hidden_layers: numLayers } = (await source.readJson(
    'config.json',
  )) as { vocab_size: number; num_hidden_layers: number }
  const requestContext = () =>
    requestGpu(gpu, options.reduction ? { reduction: options.reduction } : {})
  const context = await requestContext()
  const served = await loadFromSource({ source, requestContext, options }, context)
  const handle = createFetch(served)
  const rows = await bench({
    baseURL: 'http://quire.localhost/v1',
    fetch: (input, init) => handle(new Request(input, init)),
    stats: () => Promise.resolve(served.engine.stats()),
    vocabSize,
    numLayers,
  })
  return { adapter: context.adapterName, rows }
}
