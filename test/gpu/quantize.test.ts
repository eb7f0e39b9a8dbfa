import { describe, expect, it } from 'vitest'
import { CommandRecorder } from '../../src/gpu/command-recorder.ts'
import { PipelineCache } from '../../src/gpu/pipeline-cache.ts'
import { createTensor, uploadTensor } from '../../src/gpu/tensor.ts'
import { bindQuantize, quantizeGrid } from '../../src/kernels/quantize.ts'
import { float16Bits } from '../../src/weights/float16.ts'
import { dequantize, planeSizes, quantize } from '../../src/weights/quantization.ts'
import { poison, randomFloats, readTensor, testContext } from './context.ts'

const words = (bytes: Uint16Array | Float32Array): Uint32Array<ArrayBuffer> =>
  new Uint32Array(new Uint8Array(bytes.buffer as ArrayBuffer).slice().buffer)

// Multiples of 1/64 below 2: exact in all three source types.
const encode = {
  F32: (data: Float32Array) => words(data),
  F16: (data: Float32Array) => words(Uint16Array.from(data, float16Bits)),
  BF16: (data: Float32Array) => words(new Uint16Array(data.buffer).filter((_, i) => i % 2 === 1)),
}

describe('quantize', () => {
  it.each(['f32', 'f16', 'q8', 'q4'] as const)(
    '%s: every other row, from each type',
    async (format) => {
      const context = await testContext()
      const { device } = context
      const pipelines = new PipelineCache(context)
      const [rows, columns] = [3, 96]
      const data = randomFloats(rows * columns, 8).map((v) => Math.round(v * 64) / 64)
      const exact = dequantize(format, quantize(format, data, rows, columns), rows, columns)
      // Destination rows 1, 3 and 5 of 7.
      const sizes = planeSizes(format, 7, columns)
      for (const dtype of ['F32', 'F16', 'BF16'] as const) {
        const weight = createTensor(device, 'weight', sizes.values * 4)
        const scales = createTensor(device, 'scales', sizes.scales * 4)
        poison(device, weight)
        poison(device, scales)
        const kernel = await bindQuantize(pipelines, dtype, format, {
          params: uploadTensor(device, 'params', new Uint32Array([rows, columns, 1, 2, 0])),
          source: uploadTensor(device, 'source', encode[dtype](data)),
          weight,
          scales,
        })
        const recorder = new CommandRecorder(device)
        recorder.dispatch(kernel, quantizeGrid(rows, columns))
        recorder.submit()
        const values = new Uint32Array(await readTensor(device, weight), 0, sizes.values)
        const planes = { values, scales: new Uint32Array(await readTensor(device, scales)) }
        const got = dequantize(format, planes, 7, columns)
        // A quotient next to a half may round either way: one step of the format.
        const tolerance = { f32: 0, f16: 0, q8: 1 / 120, q4: 1 / 7 }[format]
        for (let i = 0; i < exact.length; i++) {
          const at = (1 + 2 * Math.floor(i / columns)) * columns + (i % columns)
          expect(Math.abs(got[at]! - exact[i]!)).toBeLessThanOrEqual(tolerance)
        }
        const rowWords = sizes.values / 7
        for (const row of [0, 2, 4, 6]) expect(values[row * rowWords]).toBe(0x7fc0_dead)
      }
    },
  )
})
