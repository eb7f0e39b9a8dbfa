import { EngineError } from '../../errors.ts'
import type { ModelSource } from '../../storage/byte-source.ts'
import { ggufFileNames } from '../../storage/gguf-files.ts'
import { type GgufFile, readGgufFile } from './gguf-file.ts'
import { invalidGguf } from './header-reader.ts'

const readSplitNumber = (file: GgufFile, name: string, key: string): number | null => {
  const value = file.metadata.get(key)
  if (value === undefined) return null
  if (typeof value === 'number' && Number.isInteger(value)) return value
  throw invalidGguf(name, `its ${key} is ${JSON.stringify(String(value))}, expected a whole number`)
}

/**
 * Opens a GGUF file, or all parts of a split one (`split.count`) by the name of any part. The metadata
 * are those of the first part; tensors come part by part.
 *
 * @throws EngineError as `readGgufFile`, `file-not-found` for a part that is not there, `invalid-file`
 * for parts that do not belong together.
 */
export const openGgufFiles = async (
  source: Pick<ModelSource, 'open'>,
  name: string,
): Promise<GgufFile> => {
  const names = ggufFileNames(name)
  const first = names[0]!
  const file = await readGgufFile(await source.open(first))
  const count = readSplitNumber(file, first, 'split.count') ?? 1
  if (count > 1 && names.length !== count) {
    throw new EngineError(
      'invalid-file',
      `${first} is part of a model in ${count} files, which its name does not tell: expected ` +
        `a name that ends in -00001-of-${String(count).padStart(5, '0')}.gguf. Give all parts the ` +
        'names that they were published with.',
      { details: { file: first, parts: count } },
    )
  }
  const tensors = [...file.tensors]
  for (const [at, partName] of names.entries()) {
    const part = at === 0 ? file : await readGgufFile(await source.open(partName))
    checkPart(part, partName, { at, count: names.length })
    if (at === 0) continue
    for (const tensor of part.tensors) tensors.push(tensor)
  }
  checkTensors({ metadata: file.metadata, tensors }, first)
  return { metadata: file.metadata, tensors }
}

const checkPart = (part: GgufFile, name: string, place: { at: number; count: number }): void => {
  if (place.count === 1) return
  const number = readSplitNumber(part, name, 'split.no')
  const count = readSplitNumber(part, name, 'split.count')
  if (number === place.at && count === place.count) return
  throw invalidGguf(
    name,
    `it says that it is part ${number === null ? 'none' : number + 1} of ${count ?? 'none'}, but its ` +
      `name says ${place.at + 1} of ${place.count}`,
  )
}

const checkTensors = (file: GgufFile, name: string): void => {
  const names = new Map<string, string>()
  for (const tensor of file.tensors) {
    const twin = names.get(tensor.name)
    if (twin !== undefined) {
      throw invalidGguf(tensor.file.name, `it repeats the tensor ${tensor.name} of ${twin}`)
    }
    names.set(tensor.name, tensor.file.name)
  }
  const expected = readSplitNumber(file, name, 'split.tensors.count')
  if (expected !== null && expected !== file.tensors.length) {
    throw invalidGguf(
      name,
      `its parts have ${file.tensors.length} tensors, and it announces ${expected}: a part is missing`,
    )
  }
}
