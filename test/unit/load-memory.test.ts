import { expect, it } from 'vitest'
import { FakeGpu } from './gpu/fake-gpu.ts'
import { loadingCases, measureLoading } from './loading-memory.ts'

// A piece is up to 8 MiB, and the one before is still at hand when the next one has been read. Chunks
// of a stored file, 16 MiB, are read whole to check them.
it.each(loadingCases)(
  'JavaScript holds few pieces of the weights while it loads %j',
  async (given) => {
    const { weights, read, largestRead, held } = await measureLoading(new FakeGpu().asGpu(), given)
    expect(weights).toBeGreaterThan(given.files === 'Q4_K' ? 60 : 220)
    expect(read).toBeGreaterThanOrEqual(weights)
    expect(largestRead).toBeLessThanOrEqual(given.isStored ? 16 : 8)
    expect(held).toBeLessThan(given.isStored ? 33 : 17)
  },
  60_000,
)
