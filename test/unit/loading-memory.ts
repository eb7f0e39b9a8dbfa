import { buildEngine, type EngineParts } from '../../src/build-engine.ts'
import { requestGpu } from '../../src/gpu/device.ts'
import type { WeightQuantization } from '../../src/load-options.ts'
import { type ModelOutline, readModelOutline } from '../../src/model-files.ts'
import { openGgufIndex } from '../../src/weights/gguf/open-gguf.ts'
import { createMemoryMeter } from './memory-meter.ts'
import { largeMatrices, syntheticGguf, syntheticSource } from './synthetic-model.ts'

const mebibyte = 2 ** 20

/** Where the weights of `largeMatrices` come from and what becomes of them. */
export type LoadingCase = {
  readonly files: 'BF16' | 'F32' | 'Q4_K'
  /** Read as from OPFS instead of the network. */
  readonly isStored: boolean
  readonly quantization: WeightQuantization
}

export const loadingCases: readonly LoadingCase[] = [
  { files: 'BF16', isStored: false, quantization: 'stored' },
  { files: 'BF16', isStored: true, quantization: 'q4' },
  { files: 'F32', isStored: false, quantization: 'q8' },
  { files: 'Q4_K', isStored: false, quantization: 'stored' },
  { files: 'Q4_K', isStored: false, quantization: 'q8' },
]

const open = async (
  { files, isStored }: LoadingCase,
  onRead: (bytes: Uint8Array) => void,
): Promise<ModelOutline> => {
  if (files !== 'Q4_K') {
    return readModelOutline(syntheticSource(largeMatrices, { dtype: files, isStored, onRead }))
  }
  const { config } = await readModelOutline(syntheticSource(largeMatrices))
  const tensors = await openGgufIndex(syntheticGguf(largeMatrices, onRead), 'model.gguf')
  return { config, tensors, pooling: null }
}

/**
 * Loads a model of large matrices and measures, whenever a part of it has been read or has gone to the
 * GPU, the bytes in ArrayBuffers that JavaScript holds. All results are in MiB.
 */
export const measureLoading = async (gpu: GPU, given: LoadingCase) => {
  const meter = createMemoryMeter()
  let readBytes = 0
  let largestRead = 0
  const { config, tensors } = await open(given, (bytes) => {
    readBytes += bytes.length
    largestRead = Math.max(largestRead, bytes.length)
    // Norms tell nothing.
    if (bytes.length > mebibyte) meter.sample()
  })
  let loadedBytes = 0
  const onProgress = ({ loaded }: { readonly loaded: number }) => {
    if (loaded - loadedBytes > mebibyte) meter.sample()
    loadedBytes = loaded
  }
  const requestContext: EngineParts['requestContext'] = (request) => requestGpu(gpu, request)
  const source = syntheticSource(largeMatrices)
  const { quantization } = given
  const options = { model: source.id, onProgress }
  const parts = { config, source, requestContext, options, quantization, eosTokenIds: [] }
  const context = await requestContext()
  const engine = await buildEngine(parts, { context, tensors, numBlocks: 16 })
  engine.dispose()
  return {
    weights: tensors.totalBytes / mebibyte,
    read: readBytes / mebibyte,
    largestRead: largestRead / mebibyte,
    held: meter.highest() / mebibyte,
  }
}
