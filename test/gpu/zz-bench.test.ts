import { it } from 'vitest'
import { CommandRecorder } from '../../src/gpu/command-recorder.ts'
import { PipelineCache } from '../../src/gpu/pipeline-cache.ts'
import { createTensor, uploadTensor } from '../../src/gpu/tensor.ts'
import { createLinear } from '../../src/layers/linear.ts'
import { planeSizes } from '../../src/weights/quantization.ts'
import { randomFloats, readFloats, testContext } from './context.ts'

it('bench', async () => {
  const context = await testContext()
  const { device } = context
  const pipelines = new PipelineCache(context)
  const lines: string[] = []
  for (const format of (globalThis.process?.env?.['FMT'] ?? 'q8,q4').split(',') as ('f32'|'q4')[])
    for (const [n, k] of [[512, 256], [1280, 256], [256, 640], [2048, 256]] as const) {
      const sizes = planeSizes(format, n, k)
      const words = new Uint32Array(sizes.values).fill(0x3c003c00)
      const sc = new Uint32Array(Math.max(4, sizes.scales)).fill(0x3c003c00)
      const weight = { format, rows: n, columns: k, shards: [{ firstRow: 0, numRows: n, weight: uploadTensor(device, 'w', words), scales: uploadTensor(device, 's', sc) }] }
      const input = uploadTensor(device, 'x', randomFloats(8 * k, 1))
      const norm = { weight: uploadTensor(device, 'g', randomFloats(k, 2)), eps: 1e-6 }
      const output = createTensor(device, 'y', 8 * n * 4)
      let line = `${format} ${n}x${k}:`
      for (const withNorm of [false, true])
      for (const m of [1, 8]) {
        const step = uploadTensor(device, 'step', new Uint32Array(16).fill(m))
        const t0 = performance.now()
        const layer = await createLinear({ pipelines, context }, { weight, input, output, step, ...(withNorm ? { norm } : {}), epilogue: 'store', rowCount: 'tokens' })
        const compile = performance.now() - t0
        console.log('compiled', format, n, k, m)
        const run = async (reps: number) => {
          const recorder = new CommandRecorder(device)
          for (let i = 0; i < reps; i++) layer.encode(recorder, m)
          const t = performance.now()
          recorder.submit()
          await readFloats(device, step)
          return performance.now() - t
        }
        const c0 = globalThis.process?.cpuUsage?.().user
        await run(1)
        if (c0) console.log('first run cpu ms', format, m, withNorm, ((process.cpuUsage().user - c0) / 1000).toFixed(0))
        const times: number[] = []
        for (let i = 0; i < 5; i++) times.push(await run(10))
        const ms = Math.min(...times) / 10
        line += ` ${withNorm ? 'norm ' : ''}m${m} ${ms.toFixed(3)} ms ${((2 * m * n * k) / ms / 1e6).toFixed(2)} GF (compile ${compile.toFixed(0)})`
      }
      lines.push(line); console.log(line)
    }
  console.log(context.adapterName + '\n' + lines.join('\n'))
})
