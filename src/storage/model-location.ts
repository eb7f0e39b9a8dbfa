import { EngineError } from '../errors.ts'

/** What names a model: a Hugging Face id, a folder's URL, or either spelled out. */
export type ModelSpec =
  | string
  | { readonly repo: string; readonly revision?: string }
  | { readonly url: string }

/** Where a model's files lie. */
export type ModelLocation = {
  readonly kind: 'hub' | 'folder'
  readonly id: string
  /** The GGUF file that is the whole model; null for a folder of the Hugging Face layout. */
  readonly ggufFile: string | null
  urlOf(file: string): string
  /** Where the hub lists the files with sizes and hashes; null for a folder. */
  readonly listingURL: string | null
}

export const defaultHubURL = 'https://huggingface.co'

const forms =
  'Give a Hugging Face id such as "Qwen/Qwen3-0.6B" (or "Qwen/Qwen3-0.6B@revision"), the URL of a ' +
  'folder that holds config.json, such as "./starter-model/" or "https://example.com/model/", or a ' +
  'GGUF file: its URL, or "owner/name/file.gguf".'

const refuse = (model: string, problem: string): EngineError =>
  new EngineError('invalid-request', `model ${JSON.stringify(model)} ${problem}. ${forms}`, {
    details: { parameter: 'model', model },
  })

const isPath = (model: string) =>
  /^(https?:\/\/|\.{0,2}\/)/i.test(model) || /(\/|^[^/]+\.gguf)$/i.test(model)

/**
 * Settles what a `model` means.
 *
 * @param options.baseURL what relative URLs are relative to: the page's, since a worker's own differs.
 * @throws EngineError `invalid-request` for a name of no known form.
 */
export const locateModel = (
  model: ModelSpec,
  options: { readonly baseURL?: string | undefined; readonly hubURL?: string | undefined } = {},
): ModelLocation => {
  const { baseURL, hubURL = defaultHubURL } = options
  if (typeof model !== 'string') {
    return 'url' in model
      ? locateFolder(model.url, baseURL)
      : locateRepo(model.repo, model.revision ?? 'main', hubURL)
  }
  const name = model.trim()
  if (isPath(name)) return locateFolder(name, baseURL)
  const at = name.indexOf('@')
  if (at < 0) return locateRepo(name, 'main', hubURL)
  return locateRepo(name.slice(0, at), name.slice(at + 1), hubURL)
}

const locateRepo = (given: string, revision: string, hubURL: string): ModelLocation => {
  const [, repo = given, ggufFile = null] = /^([^/]+\/[^/]+)\/([\w.-]+\.gguf)$/i.exec(given) ?? []
  const isRepo = /^[\w.-]+(\/[\w.-]+)?$/.test(repo) && !/(^|\/)\.+(\/|$)/.test(repo)
  if (!isRepo) throw refuse(repo, 'is not a model id')
  if (!/^[\w./-]+$/.test(revision)) throw refuse(`${repo}@${revision}`, 'has no valid revision')
  const hub = hubURL.replace(/\/+$/, '')
  const tree = encodeURIComponent(revision)
  return {
    kind: 'hub',
    id: ggufFile === null ? `${repo}@${revision}` : `${repo}/${ggufFile}@${revision}`,
    ggufFile,
    urlOf: (file) => `${hub}/${repo}/resolve/${tree}/${file}`,
    listingURL: `${hub}/api/models/${repo}/revision/${tree}?blobs=true`,
  }
}

const locateFolder = (path: string, baseURL: string | undefined): ModelLocation => {
  const [ggufFile = null] = /[^/]+\.gguf$/i.exec(path) ?? []
  const folder = ggufFile === null ? path.replace(/(\/config\.json|\/*)$/, '/') : path
  if (!URL.canParse(folder, baseURL)) throw refuse(path, 'is a relative URL without a base')
  const url = new URL(ggufFile === null ? '' : '.', new URL(folder, baseURL))
  if (!/^https?:$/.test(url.protocol)) throw refuse(path, `has the protocol ${url.protocol}`)
  return {
    kind: 'folder',
    id: ggufFile === null ? url.href : new URL(ggufFile, url).href,
    ggufFile,
    urlOf: (file) => new URL(file, url).href,
    listingURL: null,
  }
}
