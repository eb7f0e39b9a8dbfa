import { EngineError } from '../errors.ts'
import type { LocalModel, PickedFiles } from '../storage/local-files.ts'

/** What a page may give for a model. */
export type GivenModel = string | FileSystemDirectoryHandle | File | FileList | readonly File[]

/** `webkitRelativePath` does not cross to a worker in every browser, so that paths go beside the files. */
const toPickedFiles = (given: readonly File[]): PickedFiles => {
  const [first] = given
  if (!first) {
    throw new EngineError('invalid-request', 'model is an empty list of files. Pick some files.', {
      details: { parameter: 'model' },
    })
  }
  const [folder = ''] = first.webkitRelativePath.split('/')
  const files = given.map((file) => ({
    path: file.webkitRelativePath.replace(/^[^/]*\//, '') || file.name,
    file,
  }))
  return { name: folder || 'local-model', files }
}

const isFiles = (model: GivenModel): model is FileList | readonly File[] =>
  typeof model !== 'string' && 'length' in model

/** A model as it crosses to the worker. */
export const toLocalModel = (model: GivenModel): string | LocalModel => {
  if (!isFiles(model)) return model
  const [only, ...others] = model
  return only && others.length === 0 ? only : toPickedFiles([...model])
}
