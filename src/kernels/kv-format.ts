import kvF16 from '../../shaders/lib/kv-f16.wgsl?raw'
import kvF32 from '../../shaders/lib/kv-f32.wgsl?raw'

/** The element of the KV cache; both work on every adapter. */
export type KvFormat = 'f32' | 'f16'

export const kvFormats: readonly KvFormat[] = ['f32', 'f16']

/** The WGSL module that reads and writes a format: `Kv4`, `unpack_kv4`, `pack_kv4`. */
export const kvModules: Readonly<Record<KvFormat, string>> = { f32: kvF32, f16: kvF16 }

/** Keys a cache block holds; `BLOCK_SIZE` of `shaders/lib/kv-page.wgsl`. */
export const blockSize = 16

/** Bytes of one layer's k_cache (v_cache is its twin): [block][kvHead][blockSize][headDim]. */
export const kvCacheBytes = (options: {
  readonly numBlocks: number
  readonly numKvHeads: number
  readonly headDim: number
  readonly kvFormat: KvFormat
}): number =>
  options.numBlocks *
  options.numKvHeads *
  blockSize *
  options.headDim *
  (options.kvFormat === 'f16' ? 2 : 4)
