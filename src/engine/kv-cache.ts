import { EngineError } from '../errors.ts'
import { createTensor } from '../gpu/tensor.ts'
import { kvCacheBytes as layerCacheBytes, type KvFormat } from '../kernels/kv-format.ts'
import type { ModelConfig } from '../models/model-config.ts'
import type { LayerKvCache } from '../models/model.ts'
import { blockSize } from './block-manager.ts'

/** Bytes that one block takes in all layers, keys and values. */
export const bytesPerBlock = (config: ModelConfig, format: KvFormat): number =>
  2 * config.numLayers * layerBlockBytes(config, format)

const layerBlockBytes = ({ numKvHeads, headDim }: ModelConfig, kvFormat: KvFormat): number =>
  layerCacheBytes({ numBlocks: 1, numKvHeads, headDim, kvFormat })

/** Allocates every block up front; the cache never grows. */
export const createKvCache = (
  device: GPUDevice,
  config: ModelConfig,
  options: { readonly format: KvFormat; readonly numBlocks: number },
): LayerKvCache[] => {
  const bytes = options.numBlocks * layerBlockBytes(config, options.format)
  return Array.from({ length: config.numLayers }, (_, layer) => ({
    k: createTensor(device, `layer ${layer} keys`, bytes),
    v: createTensor(device, `layer ${layer} values`, bytes),
  }))
}

/**
 * How many blocks fit: no more than all sequences at full length need, than the budget pays for and
 * than one layer's buffer may hold.
 *
 * @throws EngineError `out-of-memory` when not even one block fits.
 */
export const kvBlocksThatFit = (
  device: GPUDevice,
  config: ModelConfig,
  options: {
    readonly format: KvFormat
    readonly maxNumSeqs: number
    readonly maxModelLen: number
    readonly kvCacheBytes: number
  },
): number => {
  const { format, maxNumSeqs, maxModelLen, kvCacheBytes } = options
  const limit = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize)
  const wanted = maxNumSeqs * Math.ceil(maxModelLen / blockSize)
  const affordable = Math.floor(kvCacheBytes / bytesPerBlock(config, format))
  const bindable = Math.floor(limit / layerBlockBytes(config, format))
  const numBlocks = Math.min(wanted, affordable, bindable)
  if (numBlocks < 1) {
    throw new EngineError(
      'out-of-memory',
      `kvCacheBytes is ${kvCacheBytes}, but one block of ${blockSize} tokens takes ` +
        `${bytesPerBlock(config, format)} bytes of KV cache. Raise it, or choose a smaller model.`,
      { details: { kvCacheBytes, bytesPerBlock: bytesPerBlock(config, format) } },
    )
  }
  return numBlocks
}
