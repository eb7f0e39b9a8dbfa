import type { Directory } from '../../../src/storage/directory.ts'

type Entry = { kind: 'file'; bytes: Uint8Array<ArrayBuffer> } | { kind: 'folder'; folder: Memory }

type Memory = Directory & { readonly entries: Map<string, Entry> }

const missing = (name: string) => new DOMException(`no ${name}`, 'NotFoundError')

/** OPFS in memory: what the asynchronous calls do, nothing more. `maxBytes` bounds one write. */
export const memoryDirectory = (maxBytes = Infinity): Memory => {
  const entries = new Map<string, Entry>()
  return {
    entries,
    getDirectoryHandle: async (name, { create = false } = {}) => {
      const entry = entries.get(name)
      if (entry?.kind === 'folder') return entry.folder
      if (!create) throw missing(name)
      const folder = memoryDirectory(maxBytes)
      entries.set(name, { kind: 'folder', folder })
      return folder
    },
    getFileHandle: async (name, { create = false } = {}) => {
      const entry = entries.get(name)
      if (entry?.kind !== 'file') {
        if (!create) throw missing(name)
        entries.set(name, { kind: 'file', bytes: new Uint8Array() })
      }
      return fileHandle(entries, name, maxBytes)
    },
    removeEntry: async (name) => {
      if (!entries.delete(name)) throw missing(name)
    },
    keys: async function* () {
      yield* entries.keys()
    },
  }
}

const fileHandle = (entries: Map<string, Entry>, name: string, maxBytes: number) => ({
  getFile: async () => {
    const entry = entries.get(name)
    if (entry?.kind !== 'file') throw missing(name)
    return new Blob([entry.bytes])
  },
  createWritable: async () => {
    let pending = new Uint8Array()
    return {
      write: async (data: Uint8Array<ArrayBuffer> | string) => {
        const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
        if (bytes.length > maxBytes) throw new DOMException('full', 'QuotaExceededError')
        pending = bytes.slice()
      },
      close: async () => void entries.set(name, { kind: 'file', bytes: pending }),
      abort: async () => undefined,
    }
  },
})

/** Every file below a folder: path to bytes. */
export const filesOf = (folder: Memory, prefix = ''): Map<string, Uint8Array<ArrayBuffer>> =>
  new Map(
    [...folder.entries].flatMap(([name, entry]) =>
      entry.kind === 'file'
        ? [[prefix + name, entry.bytes] as const]
        : [...filesOf(entry.folder, `${prefix}${name}/`)],
    ),
  )
