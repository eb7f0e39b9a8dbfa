import { EngineError } from '../../../../src/errors.ts'
import type { TensorIndex, TensorInfo } from '../../../../src/weights/safetensors.ts'

/** The tensors of a checkpoint that lies in memory. */
export const indexOf = (tensors: readonly TensorInfo[]): TensorIndex => {
  const byName = new Map(tensors.map((info) => [info.name, info]))
  return {
    get: (name) => {
      const info = byName.get(name)
      if (!info) throw new EngineError('invalid-file', `The weights have no tensor ${name}.`)
      return info
    },
    has: (name) => byName.has(name),
    names: () => [...byName.keys()],
    totalBytes: tensors.reduce((sum, { byteLength }) => sum + byteLength, 0),
  }
}
