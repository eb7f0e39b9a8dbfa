import { open, readFile, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative } from 'node:path'
import {
  type ByteSource,
  checkRange,
  fileNotFound,
  type ModelSource,
  parseJsonFile,
} from '../storage/byte-source.ts'

/**
 * A model in a local folder of the Hugging Face layout, or a local GGUF file, read from disk without a
 * copy.
 */
export const createFolderSource = (model: string): ModelSource => {
  const ggufFile = /\.gguf$/i.test(model) ? basename(model) : null
  const path = ggufFile === null ? model : dirname(model)
  const handles = new Set<{ close(): Promise<void> }>()
  const missing = (name: string) =>
    fileNotFound(name, path, 'Check the path and that the model is complete.')
  const place = (name: string) => {
    const full = join(path, name)
    const inside = relative(path, full)
    if (inside.startsWith('..') || isAbsolute(inside)) throw missing(name)
    return full
  }
  const source: ModelSource = {
    id: model,
    ggufFile,
    readText: async (name) => ((await source.has(name)) ? readFile(place(name), 'utf8') : null),
    readJson: async (name) => {
      const text = await source.readText(name)
      if (text === null) throw missing(name)
      return parseJsonFile(name, place(name), text)
    },
    has: (name) =>
      stat(place(name)).then(
        (found) => found.isFile(),
        () => false,
      ),
    open: async (name) => {
      if (!(await source.has(name))) throw missing(name)
      const handle = await open(place(name))
      handles.add(handle)
      const { size } = await handle.stat()
      const file: ByteSource = {
        name,
        size,
        read: async (offset, length) => {
          checkRange(file, offset, length)
          const bytes = new Uint8Array(length)
          let filled = 0
          while (filled < length) {
            const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled)
            // The file shrank after it was opened; the range check then says so.
            if (bytesRead === 0) checkRange({ ...file, size: offset + filled }, offset, length)
            filled += bytesRead
          }
          return bytes
        },
      }
      return file
    },
    close: async () => {
      const open = [...handles]
      handles.clear()
      await Promise.all(open.map((handle) => handle.close()))
    },
  }
  return source
}
