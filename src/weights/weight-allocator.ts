import { createTensor } from '../gpu/tensor.ts'
import { type FormatOptions, planMatrix } from './matrix-plan.ts'
import type { TensorIndex } from './safetensors.ts'
import { allocateMatrix, sourceDtype, type WeightLoader } from './weight-loader.ts'

/**
 * Gives a model the buffers that `createWeightLoader` would give it and reads nothing: on a device that
 * only counts, the bytes that the weights will take.
 *
 * @throws EngineError as the loader does for tensors of a shape or dtype that it can't load.
 */
export const createWeightAllocator = (
  device: GPUDevice,
  options: FormatOptions & { readonly index: TensorIndex },
): WeightLoader => {
  const allocate = (names: readonly (readonly string[])[]) => {
    const groups = names.map((group) => group.map((name) => options.index.get(name)))
    const plan = planMatrix(groups, options)
    for (const { isPacked, infos } of plan.groups) if (!isPacked) infos.forEach(sourceDtype)
    return allocateMatrix(device, plan, names[0]![0]!)
  }
  const vector = async (names: readonly string[]) => {
    const shapes = names.map((name) => options.index.get(name).shape)
    const lengths = shapes.map((shape) => shape.reduce((product, size) => product * size, 1))
    return createTensor(device, names[0]!, 4 * lengths.reduce((sum, length) => sum + length, 0))
  }
  return {
    concatenated: async (names) => allocate(names.map((name) => [name])),
    interleaved: async (names) => allocate([names]),
    interleavedGroups: async (names) => allocate(names),
    vector,
    interleavedVector: vector,
  }
}
