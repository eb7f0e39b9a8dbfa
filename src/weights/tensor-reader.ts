import { EngineError } from '../errors.ts'
import { bfloat16Value, float16Value } from './float16.ts'
import type { TensorDtype, TensorInfo } from './safetensors.ts'

const mebibyte = 1024 * 1024

export type TensorPiece = {
  /** Where the piece starts within the tensor, in bytes. */
  readonly byteOffset: number
  readonly bytes: Uint8Array
}

/**
 * Reads a tensor in order, piece by piece, so that JavaScript never holds a large one whole. Every
 * piece starts on a row and holds whole rows; one row larger than `maxPieceBytes` comes alone.
 *
 * @param options.rowBytes bytes of one row; a whole tensor counts as one row where it is not given.
 * @throws EngineError `invalid-file` where the rows do not divide the tensor.
 */
export async function* readTensorPieces(
  info: TensorInfo,
  options: { readonly maxPieceBytes?: number; readonly rowBytes?: number } = {},
): AsyncGenerator<TensorPiece, void, undefined> {
  const { maxPieceBytes = 8 * mebibyte, rowBytes = info.byteLength } = options
  if (info.byteLength === 0) return
  if (!(rowBytes > 0) || info.byteLength % rowBytes !== 0) {
    throw new EngineError(
      'invalid-file',
      `Tensor ${info.name} in ${info.file.name} has ${info.byteLength} bytes, which is not a whole ` +
        `number of rows of ${rowBytes} bytes. Check that config.json belongs to these weights.`,
      { details: { tensor: info.name, byteLength: info.byteLength, rowBytes } },
    )
  }
  const pieceBytes = Math.max(1, Math.floor(maxPieceBytes / rowBytes)) * rowBytes
  for (let byteOffset = 0; byteOffset < info.byteLength; byteOffset += pieceBytes) {
    const length = Math.min(pieceBytes, info.byteLength - byteOffset)
    const bytes = await info.file.read(info.offset + byteOffset, length)
    yield { byteOffset, bytes }
  }
}

/** Reads a tensor whole. For small ones: norms, biases. */
export const readTensor = (info: TensorInfo): Promise<Uint8Array> =>
  info.file.read(info.offset, info.byteLength)

/**
 * Little-endian f32, f16 or bf16 bytes as f32; exact, since f32 holds every value of both.
 *
 * @throws EngineError `unsupported-format` for a dtype that is not one of these.
 */
export const toFloat32 = (bytes: Uint8Array, dtype: TensorDtype): Float32Array => {
  // A typed-array view needs an aligned offset, which a subarray of a file may lack.
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice()
  const { buffer, byteOffset, byteLength } = aligned
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer, byteOffset, byteLength / 4).slice()
    case 'F16':
      return Float32Array.from(new Uint16Array(buffer, byteOffset, byteLength / 2), float16Value)
    case 'BF16':
      return Float32Array.from(new Uint16Array(buffer, byteOffset, byteLength / 2), bfloat16Value)
    default:
      throw new EngineError(
        'unsupported-format',
        `Weights of type ${dtype} can't be read as numbers. Use a checkpoint in F32, F16 or BF16.`,
        { details: { dtype } },
      )
  }
}
