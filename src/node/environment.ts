import { stat, statfs, mkdir } from 'node:fs/promises'
import { homedir, totalmem } from 'node:os'
import { join } from 'node:path'
import type { ModelEnvironment } from '../load-model.ts'
import { EngineError } from '../errors.ts'
import type { ModelSource } from '../storage/byte-source.ts'
import { defaultHubURL } from '../storage/model-location.ts'
import { openDawn } from './dawn.ts'
import { openDiskDirectory } from './disk-directory.ts'
import { createFolderSource } from './folder-source.ts'
import { startGrammarThread } from './grammar-thread.ts'

export type NodeOptions = {
  /** Where downloaded models are kept. Default: `quire-llm` in the user's cache folder. */
  readonly downloadDir?: string
  /** Sent to the hub, for models that are not public. Default: `HF_TOKEN`. */
  readonly hubToken?: string | undefined
  /** Where repositories are looked up. Default: `HF_ENDPOINT`, or the Hugging Face hub. */
  readonly hubURL?: string | undefined
}

const gibibyte = 1024 ** 3

const userCacheFolder = (): string => {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env
  return (
    XDG_CACHE_HOME || (process.platform === 'win32' && LOCALAPPDATA) || join(homedir(), '.cache')
  )
}

/** The variables of Hugging Face's own tools, where the options say nothing. */
export const withDefaults = (options: NodeOptions) => {
  const { HF_TOKEN, HF_ENDPOINT } = process.env
  return {
    downloadDir: options.downloadDir ?? join(userCacheFolder(), 'quire-llm'),
    hubToken: options.hubToken ?? HF_TOKEN,
    hubURL: options.hubURL ?? (HF_ENDPOINT || defaultHubURL),
  }
}

/** `fetch` that shows the hub, and nobody else, who asks. */
export const createHubFetch = (hubURL: string, token: string | undefined): typeof fetch => {
  if (!token) return fetch
  const { origin: hub } = new URL(hubURL)
  return (input, init) => {
    const request = new Request(input, init)
    if (new URL(request.url).origin === hub) request.headers.set('authorization', `Bearer ${token}`)
    return fetch(request)
  }
}

const isPath = (model: string): boolean => /^(\.{1,2}|~)?[/\\]|^[a-z]:[/\\]|^\.{1,2}$/i.test(model)

/** A folder or a GGUF file on this machine; null for the name of a model elsewhere. */
export const openPath = async (model: string): Promise<ModelSource | null> => {
  const found = await stat(model).catch(() => null)
  if (found?.isDirectory() || (found?.isFile() && /\.gguf$/i.test(model))) {
    return createFolderSource(model)
  }
  if (found === null && !isPath(model)) return null
  throw new EngineError(
    found === null ? 'file-not-found' : 'invalid-request',
    found === null
      ? `There is nothing at ${model}. Check the path; a model on the Hugging Face hub is named ` +
          '"owner/name".'
      : `${model} is a file that is no GGUF file. Give the folder that it lies in, or a .gguf file.`,
    { details: { parameter: 'model', model } },
  )
}

/**
 * What models are loaded on in Node: Dawn, a folder for downloads, paths on this machine.
 *
 * @throws EngineError where there is no WebGPU.
 */
export const openNodeEnvironment = async (options: NodeOptions): Promise<ModelEnvironment> => {
  const { downloadDir, hubToken, hubURL } = withDefaults(options)
  const estimate = async () => {
    const { bavail, bsize } = await statfs(downloadDir)
    return { quota: bavail * bsize, usage: 0 }
  }
  return {
    gpu: await openDawn(),
    fetch: createHubFetch(hubURL, hubToken),
    openPath,
    openStorage: async () => {
      await mkdir(downloadDir, { recursive: true })
      return openDiskDirectory(downloadDir)
    },
    connectGrammars: startGrammarThread,
    quota: { estimate },
    deviceMemory: totalmem() / gibibyte,
  }
}
