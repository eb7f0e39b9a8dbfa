import { EngineError } from '../errors.ts'
import { blobByteSource, type ByteSource, checkRange, fileNotFound } from './byte-source.ts'
import { type Http, isMissing } from './http.ts'
import type { RemoteFile } from './remote-model.ts'

/** Weights up to here are no loss when they are fetched whole to look at their header. */
const smallBytes = 16 * 1024 * 1024

/** The error for a look at a file that would cost its whole download. */
const noRanges = ({ name, url }: RemoteFile): EngineError =>
  new EngineError(
    'network',
    `${name} can't be looked at without a download of all of it, since its server sends no byte ranges ` +
      `(${url}). Load the model all the same, or serve it from where ranges are known.`,
    { details: { file: name, url, servesRanges: false } },
  )

/** Whether a look at a file had to be given up since its server sends no byte ranges. */
export const isWithoutRanges = (thrown: unknown): boolean =>
  thrown instanceof EngineError && thrown.details['servesRanges'] === false

/**
 * A remote file as a byte source without storage: byte ranges over HTTP, or the whole file as a Blob
 * (which browsers keep on disk when it is large) where the server does not serve ranges.
 *
 * @param options.isLook Large weights are not fetched whole; reading them then throws what
 * `isWithoutRanges` tells.
 */
export const openHttpFile = async (
  file: RemoteFile,
  http: Http,
  options: { readonly isLook: boolean },
): Promise<ByteSource> => {
  const { name, url, size } = file
  const isLarge = /\.(safetensors|gguf)$/i.test(name) && (size === null || size > smallBytes)
  const isRefused = options.isLook && isLarge
  if (isRefused && size === null) throw noRanges(file)
  let whole: Promise<ByteSource> | null = null
  const bodyOf = (response: Response): Promise<Blob> => {
    if (isMissing(response)) throw fileNotFound(name, url, 'It was there before: try again.')
    return response.blob().catch((thrown: unknown) => {
      throw http.bodyError(url, thrown)
    })
  }
  if (size === null) return blobByteSource(name, await bodyOf(await http.request(url)))
  const source: ByteSource = {
    name,
    size,
    read: async (offset, length) => {
      checkRange(source, offset, length)
      if (length === 0) return new Uint8Array()
      if (whole) return (await whole).read(offset, length)
      const response = await http.request(url, { range: [offset, offset + length - 1] })
      if (response.status !== 206) {
        if (isRefused) {
          await response.body?.cancel()
          throw noRanges(file)
        }
        whole = bodyOf(response).then((blob) => blobByteSource(name, blob))
        whole.catch(() => (whole = null))
        return (await whole).read(offset, length)
      }
      const bytes = new Uint8Array(await (await bodyOf(response)).arrayBuffer())
      if (bytes.length === length) return bytes
      throw new EngineError(
        'invalid-file',
        `${name}: the server sent ${bytes.length} bytes where ${length} were asked for (${url}). ` +
          'The file may have changed just now: load the model again.',
        { details: { file: name, url } },
      )
    },
  }
  return source
}
