import { defaultPooling, onlyEmbeds } from './models/create-model.ts'
import type { ModelConfig } from './models/model-config.ts'
import { readPoolingConfig, type PoolingConfig } from './models/pooling-config.ts'
import type { ModelSource } from './storage/byte-source.ts'
import { settingsFiles } from './storage/remote-model.ts'
import { openSafetensors, type TensorIndex } from './weights/safetensors.ts'
import { withFolders } from './weights/tensor-names.ts'

const readOptionalJson = async (source: ModelSource, name: string): Promise<unknown> =>
  (await source.has(name)) ? source.readJson(name) : null

const readSettings = async (source: ModelSource): Promise<unknown> => {
  for (const name of settingsFiles) {
    if (await source.has(name)) return source.readJson(name)
  }
  return null
}

/**
 * How a model embeds texts; null for one that generates. As in vLLM a decoder embeds where
 * sentence-transformers has left its files.
 *
 * @throws EngineError for files that are missing, broken or of a kind that Quire does not run.
 */
export const readPooling = async (
  source: ModelSource,
  config: ModelConfig,
): Promise<PoolingConfig | null> => {
  if (source.ggufFile !== null) return null
  const modules = await readOptionalJson(source, 'modules.json')
  if (modules === null && !onlyEmbeds(config)) return null
  return readPoolingConfig(
    {
      config: await source.readJson('config.json'),
      modules,
      sentenceBert: await readSettings(source),
      tokenizerConfig: await readOptionalJson(source, 'tokenizer_config.json'),
      readModule: (folder) => source.readJson(`${folder}/config.json`),
    },
    defaultPooling(config),
  )
}

/** The files of one of a model's folders, by their names within it. */
const folderSource = (source: ModelSource, folder: string): ModelSource => ({
  ...source,
  readJson: (name) => source.readJson(`${folder}/${name}`),
  readText: (name) => source.readText(`${folder}/${name}`),
  has: (name) => source.has(`${folder}/${name}`),
  open: (name) => source.open(`${folder}/${name}`),
})

/** The tensors of a model's files, and those of its Dense modules as `<folder>/<name>`. */
export const poolingTensors = async (
  source: ModelSource,
  tensors: TensorIndex,
  pooling: PoolingConfig,
): Promise<TensorIndex> => {
  const folders = new Map<string, TensorIndex>()
  for (const { folder } of pooling.dense) {
    folders.set(`${folder}/`, await openSafetensors(folderSource(source, folder)))
  }
  return withFolders(tensors, folders)
}
