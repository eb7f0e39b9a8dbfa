import type { Gpu } from './layers/gpu.ts'
import type { LoadOptions, LoadProgress, WeightQuantization } from './load-options.ts'
import { modelTensors } from './models/create-model.ts'
import type { ModelConfig } from './models/model-config.ts'
import { inBytes } from './planning/plan-text.ts'
import type { TensorIndex } from './weights/safetensors.ts'
import { createWeightLoader, type WeightLoader } from './weights/weight-loader.ts'

/** The loader of a model's weights, under the names that its network asks for. */
export const createModelWeights = (
  gpu: Gpu,
  parts: {
    readonly config: ModelConfig
    readonly tensors: TensorIndex
    readonly quantization: WeightQuantization
    readonly options: LoadOptions & {
      readonly onProgress?: (progress: LoadProgress) => void
      readonly signal?: AbortSignal
    }
  },
): WeightLoader => {
  const { config, tensors, quantization, options } = parts
  const { onProgress, signal } = options
  const index = modelTensors(tensors, config)
  return createWeightLoader(gpu, {
    index,
    quantization,
    dtype: options.dtype ?? 'auto',
    ...(signal && { signal }),
    onProgress: (loaded) =>
      onProgress?.({
        phase: 'weights',
        loaded,
        total: index.totalBytes,
        text: `Uploading weights, ${inBytes(loaded)} of ${inBytes(index.totalBytes)}`,
      }),
  })
}
