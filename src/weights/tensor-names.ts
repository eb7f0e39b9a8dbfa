import type { TensorIndex } from './safetensors.ts'

/**
 * An index that knows tensors by further names, as checkpoints of the same network differ.
 *
 * @param otherNames What the file may call a tensor that it does not have under the name asked for.
 */
export const withOtherNames = (
  index: TensorIndex,
  otherNames: (name: string) => readonly string[],
): TensorIndex => {
  const nameInFile = (name: string) =>
    index.has(name) ? name : (otherNames(name).find((other) => index.has(other)) ?? name)
  return {
    ...index,
    get: (name) => index.get(nameInFile(name)),
    has: (name) => index.has(nameInFile(name)),
  }
}

/** An index that knows the tensors of others too, each under a prefix of its own. */
export const withFolders = (
  index: TensorIndex,
  folders: ReadonlyMap<string, TensorIndex>,
): TensorIndex => {
  const placeOf = (name: string): readonly [TensorIndex, string] => {
    for (const [prefix, folder] of folders) {
      if (name.startsWith(prefix)) return [folder, name.slice(prefix.length)]
    }
    return [index, name]
  }
  const all = [index, ...folders.values()]
  return {
    get: (name) => {
      const [folder, own] = placeOf(name)
      return folder.get(own)
    },
    has: (name) => {
      const [folder, own] = placeOf(name)
      return folder.has(own)
    },
    names: () => [
      ...index.names(),
      ...[...folders].flatMap(([prefix, folder]) => folder.names().map((name) => prefix + name)),
    ],
    totalBytes: all.reduce((sum, { totalBytes }) => sum + totalBytes, 0),
  }
}
