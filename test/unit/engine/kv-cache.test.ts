import { expect, it } from 'vitest'
import { blockSize } from '../../../src/engine/block-manager.ts'
import { blockSize as blockSizeOfShaders } from '../../../src/kernels/kv-format.ts'

// The block manager may not import anything of the GPU, so the number stands in both places.
it('counts as many tokens in a block as the shaders do', () => {
  expect(blockSize).toBe(blockSizeOfShaders)
})
