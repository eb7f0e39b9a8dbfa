/** Bits of a weight that a checkpoint stores as an integer. */
export type IntegerBits = 4 | 8

/** What config.json's `quantization_config` says of weights that were quantised in the file. */
export type Quantization =
  | {
      readonly method: 'gptq'
      readonly bits: IntegerBits
      /** Inputs that share a scale; null for all of a row. */
      readonly groupSize: number | null
      /** Every zero point is the middle of the range, whatever `qzeros` holds. */
      readonly isSymmetric: boolean
      /** Zero points are stored less this: 1 in `gptq`, 0 in `gptq_v2`. */
      readonly zeroShift: 0 | 1
      /** The groups' inputs are no neighbours (`desc_act`): `g_idx` tells each one's group. */
      readonly hasActOrder: boolean
    }
  | { readonly method: 'awq'; readonly groupSize: number | null }
  | {
      readonly method: 'compressed-tensors'
      /** Of the integers; unused where all weights are floats. */
      readonly bits: IntegerBits
      readonly isSymmetric: boolean
      readonly floatBlock: FloatBlock
    }
  | { readonly method: 'fp8'; readonly floatBlock: FloatBlock }

/** Rows and columns that share a scale, where scales are a matrix. */
export type FloatBlock = readonly [rows: number, columns: number]
