import { EngineError } from '../errors.ts'
import { fileNotFound, parseJsonFile } from './byte-source.ts'
import { ggufFileNames } from './gguf-files.ts'
import { type Http, isMissing } from './http.ts'
import type { ModelLocation } from './model-location.ts'

/** A file of a model on a server. */
export type RemoteFile = {
  readonly name: string
  readonly url: string
  /** Bytes; null where the server does not tell. */
  readonly size: number | null
  /** Changes when the file does: hash, ETag or date; null where the server tells none. */
  readonly version: string | null
  /** Hex, where the hub knows it. */
  readonly sha256: string | null
}

const required = 'config.json'
const optional = [
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'chat_template.json',
  'additional_chat_templates/tool_use.jinja',
]
const indexFile = 'model.safetensors.index.json'
const weightsFile = 'model.safetensors'
/** Of sentence-transformers: what comes after the network, each module in a folder of its own. */
const modulesFile = 'modules.json'
const moduleOptional = ['config.json', 'model.safetensors']
/** sentence-transformers has named its settings by the network. */
export const settingsFiles = [
  'sentence_bert_config.json',
  'sentence_roberta_config.json',
  'sentence_xlm-roberta_config.json',
]

/**
 * Finds out which files make up a model: configuration, tokenizer and safetensors weights, or GGUF.
 *
 * @throws EngineError `file-not-found` naming a file that every model needs, `network`.
 */
export const resolveRemoteModel = async (
  location: ModelLocation,
  http: Http,
): Promise<RemoteFile[]> => {
  const listing = await fetchListing(location, http)
  const find = (name: string): Promise<RemoteFile | null> =>
    listing
      ? Promise.resolve(listing.get(name) ?? null)
      : probeFile(name, location.urlOf(name), http)
  const need = async (name: string) => (await find(name)) ?? refuseMissing(name, location, listing)
  if (location.ggufFile !== null) return Promise.all(ggufFileNames(location.ggufFile).map(need))
  const config = await need(required)
  const [index, ...others] = await Promise.all([indexFile, ...optional].map(find))
  const weights = index
    ? [index, ...(await Promise.all((await shardNames(index, http)).map(need)))]
    : [await need(weightsFile)]
  const modules = await find(modulesFile)
  const embedding = modules ? [modules, ...(await moduleFiles(modules, http, find))] : []
  return [config, ...others, ...embedding, ...weights].filter(
    (file) => file !== null && file !== undefined,
  )
}

const refuseMissing = (
  name: string,
  location: ModelLocation,
  listing: ReadonlyMap<string, RemoteFile> | null,
): never => {
  const others = [...(listing?.keys() ?? [])].filter((file) => /\.(gguf|bin|pt|onnx)$/.test(file))
  if (name === weightsFile && others.length > 0) {
    throw new EngineError(
      'unsupported-format',
      `${location.id} has no ${weightsFile}, but ${others.slice(0, 3).join(', ')}. Name a GGUF file ` +
        'of it, as in "owner/name/file.gguf", or choose a repository with safetensors weights.',
      { details: { model: location.id, file: name } },
    )
  }
  const hint =
    location.kind === 'hub'
      ? `Check the spelling of ${location.id} and that it is public: for a private or gated model, ` +
        'download its files and serve them from a folder of yours.'
      : 'Check that the URL is that of a folder with config.json, tokenizer.json and ' +
        'model.safetensors (a page in place of the file counts as missing).'
  throw fileNotFound(name, location.urlOf(name), hint)
}

/** What a server says of one file; null where it has none. */
export const probeFile = async (
  name: string,
  url: string,
  http: Http,
  tries?: number,
): Promise<RemoteFile | null> => {
  const patience = tries === undefined ? {} : { tries }
  const response = await http.request(url, { range: [0, 0], ...patience })
  await response.body?.cancel()
  if (isMissing(response)) return null
  let size = sizeOf(response)
  if (response.status === 206 && size === null) {
    // Other origins must expose Content-Range, but Content-Length is always readable.
    size = sizeOf(await http.request(url, { method: 'HEAD', ...patience }))
  }
  const { headers } = response
  const version = headers.get('etag') ?? headers.get('last-modified')
  return { name, url, size, version, sha256: null }
}

const sizeOf = ({ status, headers }: Response): number | null => {
  const text =
    status === 206
      ? /^bytes \d+-\d+\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1]
      : headers.get('content-encoding')
        ? null
        : headers.get('content-length')
  return text ? Number(text) : null
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const fetchJson = async ({ name, url }: RemoteFile, http: Http): Promise<unknown> => {
  const response = await http.request(url)
  const text = await response.text().catch((thrown: unknown) => {
    throw http.bodyError(url, thrown)
  })
  return parseJsonFile(name, url, text)
}

/** Files of modules.json's folders; which of them a model needs is for its configuration to say. */
const moduleFiles = async (
  modules: RemoteFile,
  http: Http,
  find: (name: string) => Promise<RemoteFile | null>,
): Promise<(RemoteFile | null)[]> => {
  const json = await fetchJson(modules, http)
  const paths = (Array.isArray(json) ? json : []).map((module: unknown) =>
    isRecord(module) ? module['path'] : null,
  )
  const folders = paths.filter(
    (path): path is string => typeof path === 'string' && /^[\w.-]+$/.test(path),
  )
  const names = folders.flatMap((folder) => moduleOptional.map((name) => `${folder}/${name}`))
  return Promise.all([...settingsFiles, ...names].map(find))
}

const shardNames = async (index: RemoteFile, http: Http): Promise<string[]> => {
  const json = await fetchJson(index, http)
  const weightMap = isRecord(json) && isRecord(json['weight_map']) ? json['weight_map'] : {}
  const shards = [...new Set(Object.values(weightMap))]
  const names = shards.filter((shard) => typeof shard === 'string' && /^[\w.-]+$/.test(shard))
  if (names.length > 0 && names.length === shards.length) return names.map(String).toSorted()
  throw new EngineError(
    'invalid-file',
    `${indexFile} lists no weight files (${index.url}). The model is incomplete where it comes from: ` +
      'choose another model or revision.',
    { details: { file: indexFile } },
  )
}

/**
 * The hub's list of a revision's files, pinned to its commit; null where there is none to be had (a
 * folder, a mirror without the API), so that files are probed one by one.
 */
const fetchListing = async (
  location: ModelLocation,
  http: Http,
): Promise<Map<string, RemoteFile> | null> => {
  if (location.listingURL === null) return null
  const response = await http.request(location.listingURL)
  const json: unknown = response.ok ? await response.json().catch(() => null) : null
  if (!isRecord(json) || !Array.isArray(json['siblings'])) return null
  const commit = typeof json['sha'] === 'string' ? json['sha'] : null
  const files = json['siblings'].filter(isRecord).flatMap((entry) => {
    const { rfilename: name, size, blobId } = entry
    if (typeof name !== 'string') return []
    const lfs = isRecord(entry['lfs']) ? entry['lfs'] : {}
    const sha256 = typeof lfs['sha256'] === 'string' ? lfs['sha256'] : null
    const file: RemoteFile = {
      name,
      url: pinned(location.urlOf(name), name, commit),
      size: typeof size === 'number' ? size : null,
      version: sha256 ?? (typeof blobId === 'string' ? blobId : commit),
      sha256,
    }
    return [[name, file] as const]
  })
  return new Map(files)
}

const pinned = (url: string, name: string, commit: string | null): string =>
  commit === null ? url : url.replace(/\/resolve\/[^/]+\/.*$/, `/resolve/${commit}/${name}`)
