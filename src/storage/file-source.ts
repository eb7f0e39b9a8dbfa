import { type ByteSource, fileNotFound, type ModelSource, parseJsonFile } from './byte-source.ts'

type ModelPlace = Pick<ModelSource, 'id' | 'ggufFile'> & {
  /** What goes before a file's name in messages: a folder's URL or path. */
  readonly place: string
}

/** A model source over files that each know how to open. */
export const createFileSource = (
  { id, ggufFile, place }: ModelPlace,
  openers: ReadonlyMap<string, () => Promise<ByteSource>>,
): ModelSource => {
  const opened = new Map<string, Promise<ByteSource>>()
  const readAll = async (name: string): Promise<string> => {
    const file = await source.open(name)
    return new TextDecoder().decode(await file.read(0, file.size))
  }
  const source: ModelSource = {
    id,
    ggufFile,
    has: async (name) => openers.has(name),
    open: (name) => {
      const opener = openers.get(name)
      if (!opener) {
        const hint = `The model has ${[...openers.keys()].join(', ')}.`
        return Promise.reject(fileNotFound(name, `${place}${name}`, hint))
      }
      const known = opened.get(name)
      if (known) return known
      const file = opener()
      opened.set(name, file)
      file.catch(() => opened.delete(name))
      return file
    },
    readText: async (name) => (openers.has(name) ? readAll(name) : null),
    readJson: async (name) => parseJsonFile(name, `${place}${name}`, await readAll(name)),
    close: async () => opened.clear(),
  }
  return source
}
