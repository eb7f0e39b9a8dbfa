import type { TensorIndex, TensorInfo } from '../safetensors.ts'

/** The stored tensors of one linear layer. */
export type ModuleTensors = {
  /** `model.layers.0.mlp.up_proj.weight`, which the network asks for. */
  readonly weightName: string
  /** Its tensor `part`; @throws EngineError `invalid-file` where it has none. */
  readonly get: (part: string) => TensorInfo
  readonly find: (part: string) => TensorInfo | null
}

/** How a scheme keeps the weights of a layer. */
export type Layout = {
  /** The tensor that holds the codes: a layer that has it is quantised this way. */
  readonly codes: string
  /** What tells its codes from plain weights, where both are called `weight`. */
  readonly codeDtype?: TensorInfo['dtype']
  /** The whole matrix as one tensor. */
  readonly open: (module: ModuleTensors) => TensorInfo
}

/** What the files call `part` of the layer whose weights are asked for as `weightName`. */
export const partName = (weightName: string, part: string): string =>
  weightName.slice(0, -'weight'.length) + part

export const moduleTensors = (index: TensorIndex, weightName: string): ModuleTensors => ({
  weightName,
  get: (part) => index.get(partName(weightName, part)),
  find: (part) => {
    const name = partName(weightName, part)
    return index.has(name) ? index.get(name) : null
  },
})

/** Bytes that the files hold of tensors together. */
export const storedBytesOf = (tensors: readonly (TensorInfo | null)[]): number =>
  tensors.reduce((sum, tensor) => sum + (tensor?.byteLength ?? 0), 0)
