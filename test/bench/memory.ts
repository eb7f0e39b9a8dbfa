import { create } from 'webgpu'
import { loadingCases, measureLoading } from '../unit/loading-memory.ts'

// Kept for as long as the process lives: Dawn's devices do not outlive a collected instance.
const gpu = create([])

/** Called by run.mjs: the most that JavaScript holds of a model's weights at once while it loads. */
export const runMemory = async (): Promise<void> => {
  console.log(
    '\nMiB of weights | read from | to the GPU as | largest read | held by JavaScript at most',
  )
  for (const given of loadingCases) {
    const { weights, largestRead, held } = await measureLoading(gpu, given)
    const origin = `${given.files}, ${given.isStored ? 'OPFS' : 'network'}`
    const numbers = [largestRead, held].map((mebibytes) => mebibytes.toFixed(1))
    console.log([weights.toFixed(0), origin, given.quantization, ...numbers].join(' | '))
  }
}
