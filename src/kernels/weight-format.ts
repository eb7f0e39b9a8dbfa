import blockScale from '../../shaders/lib/block-scale.wgsl?raw'
import blockScales from '../../shaders/lib/block-scales.wgsl?raw'
import byteAt from '../../shaders/lib/byte-at.wgsl?raw'
import dequantizeF16 from '../../shaders/lib/dequantize-f16.wgsl?raw'
import dequantizeF32 from '../../shaders/lib/dequantize-f32.wgsl?raw'
import f8 from '../../shaders/lib/dequantize-f8.wgsl?raw'
import dequantizeGroups from '../../shaders/lib/dequantize-groups.wgsl?raw'
import iq4Nl from '../../shaders/lib/dequantize-iq4-nl.wgsl?raw'
import q2K from '../../shaders/lib/dequantize-q2-k.wgsl?raw'
import q3K from '../../shaders/lib/dequantize-q3-k.wgsl?raw'
import q41 from '../../shaders/lib/dequantize-q4-1.wgsl?raw'
import q4K from '../../shaders/lib/dequantize-q4-k.wgsl?raw'
import dequantizeQ4 from '../../shaders/lib/dequantize-q4.wgsl?raw'
import q4z from '../../shaders/lib/dequantize-q4z.wgsl?raw'
import q50 from '../../shaders/lib/dequantize-q5-0.wgsl?raw'
import q51 from '../../shaders/lib/dequantize-q5-1.wgsl?raw'
import q5K from '../../shaders/lib/dequantize-q5-k.wgsl?raw'
import q6K from '../../shaders/lib/dequantize-q6-k.wgsl?raw'
import dequantizeQ8 from '../../shaders/lib/dequantize-q8.wgsl?raw'
import q8z from '../../shaders/lib/dequantize-q8z.wgsl?raw'
import fifthBits from '../../shaders/lib/fifth-bits.wgsl?raw'
import groupSums from '../../shaders/lib/group-sums.wgsl?raw'
import multiplyF16 from '../../shaders/lib/multiply-f16.wgsl?raw'
import multiplyF32 from '../../shaders/lib/multiply-f32.wgsl?raw'
import multiplyGroupPairs from '../../shaders/lib/multiply-group-pairs.wgsl?raw'
import multiplyGroups from '../../shaders/lib/multiply-groups.wgsl?raw'
import multiplyQ4 from '../../shaders/lib/multiply-q4.wgsl?raw'
import multiplyQ8 from '../../shaders/lib/multiply-q8.wgsl?raw'
import nibbles from '../../shaders/lib/nibbles.wgsl?raw'
import scaleWithZero from '../../shaders/lib/scale-with-zero.wgsl?raw'
import sixBitPairs from '../../shaders/lib/six-bit-pairs.wgsl?raw'
import type { Tensor } from '../gpu/tensor.ts'

/** What the kernels and the loader know of a format. */
export type WeightFormatTraits = {
  /** The WGSL of `dequantize4(row, column, columns) -> vec4f`, over `weight: array<u32>`. */
  readonly dequantize: readonly string[]
  /** The WGSL of matvec's `multiply_unit`; see shaders/matvec.wgsl. */
  readonly multiply: readonly string[]
  /** Columns of a unit where the threads of a workgroup share a row's units. */
  readonly unitColumns: number
  /** Values: a row is blocks of so many columns, each of so many u32 words. */
  readonly blockColumns: number
  readonly blockWords: number
  /** Scales: columns whose scales share a word, of which a row has a whole number; 0 for none. */
  readonly scaleColumns: number
}

/**
 * A format whose modules say `quants4` and `group_scale`: weights are integers times the scale of their
 * group, plus its offset. See `shaders/lib/dequantize-groups.wgsl`.
 */
const inGroups = (
  modules: readonly string[],
  traits: Pick<WeightFormatTraits, 'unitColumns' | 'blockColumns' | 'blockWords' | 'scaleColumns'>,
): WeightFormatTraits => ({
  dequantize: [dequantizeGroups, ...modules],
  multiply: [multiplyGroups, groupSums, ...modules],
  ...traits,
})

/** Such a format whose words hold columns of two groups, which its `quants_pair` reads together. */
const inGroupPairs = (...[modules, traits]: Parameters<typeof inGroups>): WeightFormatTraits => ({
  ...inGroups(modules, traits),
  multiply: [multiplyGroupPairs, groupSums, ...modules],
})

const words32 = (blockWords: number, scaleColumns: 0 | 32 | 64 | 128) => ({
  unitColumns: 32,
  blockColumns: 32,
  blockWords,
  scaleColumns,
})
const words256 = (blockWords: number, scaleColumns: 0 | 512, unitColumns: 16 | 32 | 64) => ({
  unitColumns,
  blockColumns: 256,
  blockWords,
  scaleColumns,
})

/** Every way in which a weight matrix lies in GPU memory; `weights/quantization.ts` defines each. */
export const weightFormats = {
  f32: {
    dequantize: [dequantizeF32],
    multiply: [multiplyF32],
    unitColumns: 4,
    blockColumns: 1,
    blockWords: 1,
    scaleColumns: 0,
  },
  f16: {
    dequantize: [dequantizeF16],
    multiply: [multiplyF16],
    unitColumns: 4,
    blockColumns: 2,
    blockWords: 1,
    scaleColumns: 0,
  },
  q8: {
    dequantize: [dequantizeQ8, blockScale],
    multiply: [multiplyQ8, blockScales],
    unitColumns: 4,
    blockColumns: 32,
    blockWords: 8,
    scaleColumns: 64,
  },
  q4: {
    dequantize: [dequantizeQ4, blockScale],
    multiply: [multiplyQ4, blockScales],
    unitColumns: 8,
    blockColumns: 32,
    blockWords: 4,
    scaleColumns: 64,
  },
  q4_1: inGroups([q41, nibbles], words32(5, 0)),
  q5_0: inGroups([q50, nibbles, fifthBits, blockScale], words32(5, 64)),
  q5_1: inGroups([q51, nibbles, fifthBits], words32(6, 0)),
  iq4_nl: inGroups([iq4Nl, nibbles, blockScale], words32(4, 64)),
  q2_k: inGroups([q2K, byteAt], words256(21, 0, 16)),
  q3_k: inGroups([q3K, byteAt, blockScale], words256(27, 512, 16)),
  q4_k: inGroupPairs([q4K, sixBitPairs], words256(36, 0, 64)),
  q5_k: inGroupPairs([q5K, sixBitPairs], words256(44, 0, 64)),
  q6_k: inGroupPairs([q6K, blockScale], words256(52, 512, 32)),
  q4z: inGroups([q4z, nibbles, scaleWithZero], words32(4, 32)),
  q8z: inGroups([q8z, scaleWithZero], words32(8, 32)),
  f8: inGroups([f8], words32(8, 128)),
} satisfies Record<string, WeightFormatTraits>

export type WeightFormat = keyof typeof weightFormats

export const weightFormatNames: readonly WeightFormat[] = Object.keys(weightFormats).filter(
  (name): name is WeightFormat => Object.hasOwn(weightFormats, name),
)

/** Whole rows of a matrix. `scales` is a dummy for formats without scales. */
export type WeightShard = {
  readonly firstRow: number
  readonly numRows: number
  readonly format: WeightFormat
  readonly weight: Tensor
  readonly scales: Tensor
}

/**
 * A matrix [rows][columns] on the GPU, cut into shards where the format changes and where the adapter
 * can't bind it in one piece.
 */
export type WeightMatrix = {
  readonly rows: number
  readonly columns: number
  readonly shards: readonly WeightShard[]
}
