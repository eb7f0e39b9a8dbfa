import { EngineError } from '../../errors.ts'
import type { ByteSource } from '../../storage/byte-source.ts'

const mebibyte = 1024 * 1024
const windowBytes = mebibyte
/** Metadata and tensor list together. A vocabulary of 262,000 tokens with its merges takes about 15 MiB. */
const maxHeaderBytes = 64 * mebibyte

export const invalidGguf = (file: string, problem: string, cause?: unknown): EngineError =>
  new EngineError(
    'invalid-file',
    `${file} is not a valid GGUF file: ${problem}. Delete the stored model and download it again.`,
    { details: { file }, cause },
  )

/**
 * Walks the head of a file through a window of about 1 MiB. The synchronous reads take bytes that a
 * `need` before them has brought in; nothing is allocated by a number that `need` has not checked
 * against the size of the file.
 */
export class HeaderReader {
  readonly file: ByteSource
  /** Bytes from the start of the file. */
  position = 0
  #window: Uint8Array = new Uint8Array()
  #view = new DataView(this.#window.buffer)
  #windowStart = 0

  constructor(file: ByteSource) {
    this.file = file
  }

  /** Bytes between here and the end of the file. */
  get remaining(): number {
    return this.file.size - this.position
  }

  /** Whether the next `length` bytes can be read without waiting. */
  has(length: number): boolean {
    return this.position + length <= this.#windowStart + this.#window.byteLength
  }

  /** @throws EngineError `invalid-file` naming `what` where the file has no `length` bytes more. */
  async need(length: number, what: string): Promise<void> {
    if (this.has(length)) return
    if (!(length <= this.remaining)) {
      throw invalidGguf(this.file.name, `it ends within ${what}: it is cut short`)
    }
    if (this.position + length > maxHeaderBytes) {
      const limit = maxHeaderBytes / mebibyte
      throw invalidGguf(this.file.name, `its header reaches past ${limit} MiB (in ${what})`)
    }
    const bytes = await this.file.read(
      this.position,
      Math.min(Math.max(length, windowBytes), this.remaining),
    )
    this.#window = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#windowStart = this.position
  }

  /** The next bytes: a view that lasts until the next `need`. */
  bytes(length: number): Uint8Array {
    const start = this.#advance(length)
    return this.#window.subarray(start, start + length)
  }

  /** The next bytes in a buffer of their own. */
  copy(length: number): ArrayBuffer {
    const bytes = new Uint8Array(length)
    bytes.set(this.bytes(length))
    return bytes.buffer
  }

  uint8(): number {
    return this.#view.getUint8(this.#advance(1))
  }

  int8(): number {
    return this.#view.getInt8(this.#advance(1))
  }

  uint16(): number {
    return this.#view.getUint16(this.#advance(2), true)
  }

  int16(): number {
    return this.#view.getInt16(this.#advance(2), true)
  }

  uint32(): number {
    return this.#view.getUint32(this.#advance(4), true)
  }

  int32(): number {
    return this.#view.getInt32(this.#advance(4), true)
  }

  float32(): number {
    return this.#view.getFloat32(this.#advance(4), true)
  }

  float64(): number {
    return this.#view.getFloat64(this.#advance(8), true)
  }

  uint64(): bigint {
    return this.#view.getBigUint64(this.#advance(8), true)
  }

  int64(): bigint {
    return this.#view.getBigInt64(this.#advance(8), true)
  }

  #advance(length: number): number {
    const start = this.position - this.#windowStart
    this.position += length
    return start
  }
}
