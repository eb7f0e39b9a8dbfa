import { EngineError } from '../errors.ts'

/** A file that can be read at any place without being held in memory. */
export type ByteSource = {
  /** File name, for messages. */
  readonly name: string
  /** Bytes. */
  readonly size: number
  /**
   * Exactly `length` bytes from `offset`.
   *
   * @throws EngineError `invalid-file` for a range outside the file, and whatever the medium throws.
   */
  read(offset: number, length: number): Promise<Uint8Array>
}

/** The files of one model, wherever they lie. */
export type ModelSource = {
  /** Names the model and where it comes from, such as `Qwen/Qwen3-0.6B@main` or a folder's URL. */
  readonly id: string
  /** The GGUF file that is the whole model; null for a folder of the Hugging Face layout. */
  readonly ggufFile: string | null
  /** @throws EngineError `file-not-found`, `invalid-file` where it is not JSON. */
  readJson(name: string): Promise<unknown>
  /** The text of a file that a model may lack; null where it does. */
  readText(name: string): Promise<string | null>
  has(name: string): Promise<boolean>
  /** @throws EngineError `file-not-found`. */
  open(name: string): Promise<ByteSource>
  /**
   * Lets go of what the source holds. Byte sources of it must not be read any more; those that
   * `open` gives afterwards may.
   */
  close(): Promise<void>
}

/** Throws unless `length` bytes from `offset` lie within the file. */
export const checkRange = (file: ByteSource, offset: number, length: number): void => {
  if (Number.isSafeInteger(offset) && offset >= 0 && length >= 0 && offset + length <= file.size) {
    return
  }
  throw new EngineError(
    'invalid-file',
    `${file.name} is ${file.size} bytes long, but ${length} bytes from ${offset} were asked for. ` +
      'The file is cut short or broken: delete the stored model and download it again.',
    { details: { file: file.name, size: file.size, offset, length } },
  )
}

/** A Blob (a File of OPFS, a fetched body, a user's file) as a byte source. */
export const blobByteSource = (name: string, blob: Blob): ByteSource => {
  const file: ByteSource = {
    name,
    size: blob.size,
    read: async (offset, length) => {
      checkRange(file, offset, length)
      return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer())
    },
  }
  return file
}

/** Parses a model's JSON file. `place` is its URL or path, for the message. */
export const parseJsonFile = (name: string, place: string, text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new EngineError(
      'invalid-file',
      `${name} is not valid JSON (${place}). Delete the stored model and download it again; if it ` +
        'stays so, the file is broken where it comes from.',
      { details: { file: name, place }, cause },
    )
  }
}

/** The error for a file that a model needs and lacks. */
export const fileNotFound = (name: string, place: string, hint: string): EngineError =>
  new EngineError('file-not-found', `${name} was not found at ${place}. ${hint}`, {
    details: { file: name, place },
  })
