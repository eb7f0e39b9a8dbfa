import type { TensorIndex } from '../safetensors.ts'
import { awqLayout } from './awq.ts'
import { int8Layout, packedLayout } from './compressed-tensors.ts'
import { float8Layout } from './float8.ts'
import { gptqLayout } from './gptq.ts'
import { moduleTensors, partName, type Layout } from './module-tensors.ts'
import type { Quantization } from './scheme.ts'

const layoutsOf = (quantization: Quantization | null): readonly Layout[] => {
  switch (quantization?.method) {
    case undefined:
      return [float8Layout()]
    case 'gptq':
      return [gptqLayout(quantization)]
    case 'awq':
      return [awqLayout(quantization)]
    case 'fp8':
      return [float8Layout(quantization.floatBlock)]
    case 'compressed-tensors':
      return [
        packedLayout(quantization),
        int8Layout(quantization),
        float8Layout(quantization.floatBlock),
      ]
  }
}

/**
 * The tensors of a checkpoint that was quantised: each quantised matrix under the name that it would
 * have plain, `....weight`, to be read as one of our formats. Layers that the scheme left alone, biases
 * and vectors stay what they are.
 *
 * @param quantization null where config.json names none: weights may still have been cast to fp8.
 */
export const withQuantizedWeights = (
  index: TensorIndex,
  quantization: Quantization | null,
): TensorIndex => {
  const layouts = layoutsOf(quantization)
  const isCodes = (name: string, { codeDtype }: Layout): boolean =>
    index.has(name) && (codeDtype === undefined || index.get(name).dtype === codeDtype)
  const layoutOf = (name: string): Layout | undefined =>
    name.endsWith('.weight')
      ? layouts.find((layout) => isCodes(partName(name, layout.codes), layout))
      : undefined
  const plainName = (name: string): string => {
    const layout = layouts.find(({ codes }) => name.endsWith(`.${codes}`))
    return layout ? `${name.slice(0, -layout.codes.length)}weight` : name
  }
  return {
    ...index,
    get: (name) => layoutOf(name)?.open(moduleTensors(index, name)) ?? index.get(name),
    has: (name) => index.has(name) || layoutOf(name) !== undefined,
    names: () => index.names().map(plainName),
  }
}
