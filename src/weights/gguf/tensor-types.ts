import { EngineError } from '../../errors.ts'
import {
  dequantizeQ2_K,
  dequantizeQ3_K,
  dequantizeQ4_K,
  dequantizeQ5_K,
  dequantizeQ6_K,
} from './k-quants.ts'
import type { BlockPacking } from './pack-blocks.ts'
import {
  type DequantizeBlock,
  dequantizeIQ4_NL,
  dequantizeQ4_0,
  dequantizeQ4_1,
  dequantizeQ5_0,
  dequantizeQ5_1,
  dequantizeQ8_0,
  readFloat16,
} from './simple-quants.ts'

/** How the elements of a tensor are stored: blocks of neighbours along a row. */
export type GgufType = {
  /** As files name it (`enum ggml_type`). */
  readonly id: number
  readonly name: string
  /** Elements of a block, and its bytes. */
  readonly blockElements: number
  readonly blockBytes: number
  readonly dequantize: Dequantize
  /** How blocks go to the GPU as they are; null for plain numbers. */
  readonly packing: BlockPacking | null
}

/** Whole blocks as f32; `out` has as many elements as they hold. */
type Dequantize = (bytes: Uint8Array, out: Float32Array) => void

/** Bits are copied as integers, so that NaNs keep their payload. */
const plainF32: Dequantize = (bytes, out) => {
  new Uint8Array(out.buffer, out.byteOffset, bytes.byteLength).set(bytes)
}

const plainF16: Dequantize = (bytes, out) => {
  const count = bytes.length / 2
  for (let i = 0; i < count; i++) out[i] = readFloat16(bytes, 2 * i)
}

const plainBF16: Dequantize = (bytes, out) => {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length)
  const count = bytes.length / 2
  for (let i = 0; i < count; i++) {
    bits[i] = (bytes[2 * i]! << 16) | (bytes[2 * i + 1]! << 24)
  }
}

const plain = (id: number, name: string, blockBytes: number, dequantize: Dequantize): GgufType => ({
  id,
  name,
  blockElements: 1,
  blockBytes,
  dequantize,
  packing: null,
})

const blocked = (
  [id, name]: readonly [number, string],
  [blockElements, blockBytes]: readonly [number, number],
  dequantizeBlock: DequantizeBlock,
  packing: BlockPacking,
): GgufType => ({
  id,
  name,
  blockElements,
  blockBytes,
  packing,
  dequantize: (bytes, out) => {
    const blocks = bytes.byteLength / blockBytes
    for (let block = 0; block < blocks; block++) {
      dequantizeBlock(bytes, block * blockBytes, out, block * blockElements)
    }
  },
})

/** Every type that Quire reads (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). */
export const ggufTypes: readonly GgufType[] = [
  plain(0, 'F32', 4, plainF32),
  plain(1, 'F16', 2, plainF16),
  blocked([2, 'Q4_0'], [32, 18], dequantizeQ4_0, { format: 'q4', scaleAt: 0 }),
  blocked([3, 'Q4_1'], [32, 20], dequantizeQ4_1, { format: 'q4_1', scaleAt: null }),
  blocked([6, 'Q5_0'], [32, 22], dequantizeQ5_0, { format: 'q5_0', scaleAt: 0 }),
  blocked([7, 'Q5_1'], [32, 24], dequantizeQ5_1, { format: 'q5_1', scaleAt: null }),
  blocked([8, 'Q8_0'], [32, 34], dequantizeQ8_0, { format: 'q8', scaleAt: 0 }),
  blocked([10, 'Q2_K'], [256, 84], dequantizeQ2_K, { format: 'q2_k', scaleAt: null }),
  blocked([11, 'Q3_K'], [256, 110], dequantizeQ3_K, { format: 'q3_k', scaleAt: 108 }),
  blocked([12, 'Q4_K'], [256, 144], dequantizeQ4_K, { format: 'q4_k', scaleAt: null }),
  blocked([13, 'Q5_K'], [256, 176], dequantizeQ5_K, { format: 'q5_k', scaleAt: null }),
  blocked([14, 'Q6_K'], [256, 210], dequantizeQ6_K, { format: 'q6_k', scaleAt: 208 }),
  blocked([20, 'IQ4_NL'], [32, 18], dequantizeIQ4_NL, { format: 'iq4_nl', scaleAt: 0 }),
  plain(30, 'BF16', 2, plainBF16),
]

/** Types that exist and are not read: named in the refusal. */
const otherTypes = new Map([
  [9, 'Q8_1'],
  [15, 'Q8_K'],
  [16, 'IQ2_XXS'],
  [17, 'IQ2_XS'],
  [18, 'IQ3_XXS'],
  [19, 'IQ1_S'],
  [21, 'IQ3_S'],
  [22, 'IQ2_S'],
  [23, 'IQ4_XS'],
  [24, 'I8'],
  [25, 'I16'],
  [26, 'I32'],
  [27, 'I64'],
  [28, 'F64'],
  [29, 'IQ1_M'],
  [34, 'TQ1_0'],
  [35, 'TQ2_0'],
  [39, 'MXFP4'],
  [40, 'NVFP4'],
  [41, 'Q1_0'],
])

const byId = new Map(ggufTypes.map((type) => [type.id, type]))

/** @throws EngineError `unsupported-format` for a type that Quire does not read. */
export const ggufTypeOf = (id: number, tensor: string, file: string): GgufType => {
  const type = byId.get(id)
  if (type) return type
  const name = otherTypes.get(id) ?? `number ${id}`
  throw new EngineError(
    'unsupported-format',
    `Tensor ${tensor} in ${file} is stored as type ${name}, which Quire does not read. Choose a GGUF ` +
      `file of the model in one of these: ${ggufTypes.map(({ name }) => name).join(', ')} (such as ` +
      'its Q4_K_M or Q8_0 file).',
    { details: { tensor, file, type: name } },
  )
}
