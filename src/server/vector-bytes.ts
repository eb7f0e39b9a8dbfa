/** vLLM's `embed_dtype`. */
export const embedDtypes = ['float32', 'float16', 'bfloat16', 'fp8_e4m3', 'fp8_e5m2'] as const
export type EmbedDtype = (typeof embedDtypes)[number]

/** vLLM's `endianness`; `native` is little, as on all machines that browsers run on. */
export const endiannesses = ['native', 'big', 'little'] as const
export type Endianness = (typeof endiannesses)[number]

export type VectorFormat = { readonly dtype: EmbedDtype; readonly endianness: Endianness }

type FloatFormat = {
  readonly exponentBits: number
  readonly mantissaBits: number
  /** Without it (OCP's E4M3, torch's `float8_e4m3fn`) what is too large becomes the largest number. */
  readonly hasInfinity: boolean
}

const narrow: Readonly<Record<Exclude<EmbedDtype, 'float32'>, FloatFormat>> = {
  float16: { exponentBits: 5, mantissaBits: 10, hasInfinity: true },
  bfloat16: { exponentBits: 8, mantissaBits: 7, hasInfinity: true },
  fp8_e4m3: { exponentBits: 4, mantissaBits: 3, hasInfinity: false },
  fp8_e5m2: { exponentBits: 5, mantissaBits: 2, hasInfinity: true },
}

const roundHalfEven = (value: number): number => {
  const below = Math.floor(value)
  const rest = value - below
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below
}

/** The bits of the nearest number of a format, ties to even, for a number that is no NaN. */
const bitsOf = (value: number, { exponentBits, mantissaBits, hasInfinity }: FloatFormat) => {
  const bias = 2 ** (exponentBits - 1) - 1
  const sign = value < 0 || Object.is(value, -0) ? 2 ** (exponentBits + mantissaBits) : 0
  const allExponents = 2 ** exponentBits - 1
  const overflow = allExponents * 2 ** mantissaBits + (hasInfinity ? 0 : 2 ** mantissaBits - 2)
  const magnitude = Math.abs(value)
  if (magnitude === Infinity) return sign + overflow
  const exponent = Math.max(Math.floor(Math.log2(magnitude)), 1 - bias)
  const numSteps = roundHalfEven(magnitude / 2 ** (exponent - mantissaBits))
  // The leading one of a normal number counts as one exponent more; a subnormal one has none.
  const bits = (exponent + bias - 1) * 2 ** mantissaBits + numSteps
  return sign + Math.min(bits, overflow)
}

/** A vector's numbers one behind the other, as the format says. */
export const encodeVector = (
  vector: Float32Array,
  { dtype, endianness }: VectorFormat,
): Uint8Array<ArrayBuffer> => {
  const isLittle = endianness !== 'big'
  const format = dtype === 'float32' ? null : narrow[dtype]
  const numBytes = format ? (1 + format.exponentBits + format.mantissaBits) / 8 : 4
  const bytes = new Uint8Array(vector.length * numBytes)
  const view = new DataView(bytes.buffer)
  for (const [index, value] of vector.entries()) {
    const at = index * numBytes
    if (!format) view.setFloat32(at, value, isLittle)
    else if (numBytes === 2) view.setUint16(at, bitsOf(value, format), isLittle)
    else view.setUint8(at, bitsOf(value, format))
  }
  return bytes
}

export const toBase64 = (bytes: Uint8Array): string => {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}
