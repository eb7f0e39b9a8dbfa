import { EngineError } from '../errors.ts'
import { blobByteSource, type ByteSource, checkRange, fileNotFound } from './byte-source.ts'
import { type Http, isMissing } from './http.ts'
import type { RemoteFile } from './remote-model.ts'

/**
 * A remote file as a byte source without storage: byte ranges over HTTP, or the whole file as a Blob
 * (which browsers keep on disk when it is large) where the server does not serve ranges.
 */
export const openHttpFile = async (file: RemoteFile, http: Http): Promise<ByteSource> => {
  const { name, url, size } = file
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
