import { describe, expect, it } from 'vitest'
import { blockSize } from '../../../src/engine/block-manager.ts'
import { bytesPerBlock, kvBlocksThatFit } from '../../../src/engine/kv-cache.ts'
import { blockSize as blockSizeOfShaders } from '../../../src/kernels/kv-format.ts'
import { parseModelConfig } from '../../../src/models/parse-config.ts'
import { createFolderSource } from '../../../src/node/folder-source.ts'
import { FakeDevice } from '../gpu/fake-gpu.ts'

// The block manager may not import anything of the GPU, so the number stands in both places.
it('counts as many tokens in a block as the shaders do', () => {
  expect(blockSize).toBe(blockSizeOfShaders)
})

const source = createFolderSource('test/fixtures/models/tiny-qwen3')
const config = parseModelConfig(await source.readJson('config.json'))
const blockBytes = bytesPerBlock(config, 'f32')

const fitting = (maxNumSeqs: number, kvCacheBytes: number) => {
  const device = new FakeDevice(Infinity).asGpuDevice()
  return kvBlocksThatFit(device, config, {
    format: 'f32',
    maxNumSeqs,
    maxModelLen: 100,
    kvCacheBytes,
  })
}

describe('the number of blocks', () => {
  it('counts keys and values of all layers', () => {
    // 2 layers * (keys, values) * 16 tokens * 2 heads * 80 numbers * 4 bytes
    expect(blockBytes).toBe(2 * 2 * 16 * 2 * 80 * 4)
  })

  it('is no more than all sequences at full length need', () => {
    expect(fitting(3, 1000 * blockBytes)).toBe(3 * 7)
  })

  it('is no more than kvCacheBytes pays for', () => {
    expect(fitting(100, 5.9 * blockBytes)).toBe(5)
  })

  it('is no more than one layer can bind', () => {
    const bindable = 2 ** 27 / (blockBytes / (2 * config.numLayers))
    expect(fitting(100_000, 1e15)).toBe(Math.floor(bindable))
  })

  it('is never none: that is refused with the sizes', () => {
    expect(() => fitting(3, blockBytes - 1)).toThrow(
      expect.objectContaining({
        code: 'out-of-memory',
        details: { kvCacheBytes: blockBytes - 1, bytesPerBlock: blockBytes },
      }),
    )
  })
})
