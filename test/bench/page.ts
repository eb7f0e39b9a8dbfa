import { createEngine, type CreateEngineOptions } from '../../src/index.ts'
import { bench, type BenchRow } from './bench.ts'

type Report = { readonly adapter: string; readonly rows: BenchRow[] }

/** Called by run.mjs. */
const runBench = async (
  options: CreateEngineOptions & { readonly model: string },
): Promise<Report> => {
  const config = await fetch(new URL('config.json', new URL(options.model, location.href)))
  const { vocab_size: vocabSize, num_hidden_layers: numLayers } = (await config.json()) as {
    vocab_size: number
    num_hidden_layers: number
  }
  const engine = await createEngine(options)
  const rows = await bench({ ...engine, vocabSize, numLayers })
  const { adapter } = await engine.stats()
  await engine.dispose()
  return { adapter, rows }
}

Object.assign(globalThis, { runBench })
