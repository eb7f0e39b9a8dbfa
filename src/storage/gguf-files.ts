/** `model-00002-of-00003.gguf`: stem, number, count. */
const splitName = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i

/**
 * All files of the model that `name` belongs to, in order: those of a split where the name is that of
 * one of its parts, else `name` alone. No file has to be read to know them.
 */
export const ggufFileNames = (name: string): string[] => {
  const [, stem, , digits] = splitName.exec(name) ?? []
  const count = Number(digits)
  if (stem === undefined || !(count > 1)) return [name]
  return Array.from(
    { length: count },
    (_, i) => `${stem}-${String(i + 1).padStart(5, '0')}-of-${digits}.gguf`,
  )
}
