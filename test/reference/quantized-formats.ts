// The formats of checkpoints that are quantised in their files, element by element in float64, from the
// definitions in src/weights/quantization.ts.
import type { WeightPlanes } from '../../src/weights/quantization.ts'

export const quantizedFormats = ['q4z', 'q8z', 'f8'] as const
export type QuantizedFormat = (typeof quantizedFormats)[number]

type Element = { readonly row: number; readonly column: number; readonly columns: number }

const floatOf = (bits: number): number => new Float32Array(new Uint32Array([bits]).buffer)[0]!

const scaleAndZero = ({ scales }: WeightPlanes, { row, column, columns }: Element) => {
  const word = scales[(row * columns + column) >>> 5]!
  return { scale: floatOf(word - (word % 256)), zero: word % 256 }
}

const float8 = (byte: number): number => {
  const [exponent, mantissa] = [(byte >> 3) & 15, byte & 7]
  const magnitude = exponent === 0 ? mantissa / 512 : (1 + mantissa / 8) * 2 ** (exponent - 7)
  return byte < 128 ? magnitude : -magnitude
}

const bytesOf = ({ values }: WeightPlanes): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength)

const elements: Readonly<
  Record<QuantizedFormat, (planes: WeightPlanes, element: Element) => number>
> = {
  q4z: (planes, element) => {
    const { scale, zero } = scaleAndZero(planes, element)
    const within = element.column % 32
    const block = (element.row * element.columns + element.column - within) / 32
    const byte = bytesOf(planes)[block * 16 + (within % 16)]!
    return ((within < 16 ? byte % 16 : byte >> 4) - zero) * scale
  },
  q8z: (planes, element) => {
    const { scale, zero } = scaleAndZero(planes, element)
    return (bytesOf(planes)[element.row * element.columns + element.column]! - zero) * scale
  },
  f8: (planes, { row, column, columns }) => {
    const scale = planes.scales[row * Math.ceil(columns / 128) + Math.floor(column / 128)]!
    return float8(bytesOf(planes)[row * columns + column]!) * floatOf(scale)
  },
}

/** A matrix [rows][columns] in one of the formats, as f32. */
export const quantizedValues = (
  format: QuantizedFormat,
  planes: WeightPlanes,
  [rows, columns]: readonly [number, number],
): Float32Array =>
  Float32Array.from({ length: rows * columns }, (_, i) =>
    elements[format](planes, { row: Math.floor(i / columns), column: i % columns, columns }),
  )
