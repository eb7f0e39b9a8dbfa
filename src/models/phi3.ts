import { withTensorRows, type TensorRows } from '../weights/tensor-rows.ts'
import type { Architecture } from './architecture.ts'
import { createDecoder } from './decoder.ts'
import type { ModelConfig } from './model-config.ts'
import { readSlidingLayers } from './sliding-window.ts'

/** q, k and v are the rows of one tensor, and so are gate and up. */
const partOf = (name: string, config: ModelConfig): TensorRows | null => {
  const { numHeads, numKvHeads, headDim, intermediateSize } = config
  const [qSize, kSize] = [numHeads * headDim, numKvHeads * headDim]
  const parts: Readonly<Record<string, readonly [string, number, number]>> = {
    q_proj: ['qkv_proj', 0, qSize],
    k_proj: ['qkv_proj', qSize, kSize],
    v_proj: ['qkv_proj', qSize + kSize, kSize],
    gate_proj: ['gate_up_proj', 0, intermediateSize],
    up_proj: ['gate_up_proj', intermediateSize, intermediateSize],
  }
  const [layer, part] = /^(.*\.)(\w+)\.weight$/.exec(name)?.slice(1) ?? []
  const found = parts[part ?? '']
  if (!found) return null
  const [tensor, firstRow, numRows] = found
  return { tensor: `${layer}${tensor}.weight`, firstRow, numRows }
}

/** Phi-3, Phi-3.5 and Phi-4 mini: Llama with fused projections, partial and long RoPE. */
export const phi3: Architecture = {
  name: 'Phi3ForCausalLM',
  configure: (json, base) => ({ layers: readSlidingLayers(json, base, () => true) }),
  tensors: (index, config) => withTensorRows(index, (name) => partOf(name, config)),
  create: createDecoder,
}
