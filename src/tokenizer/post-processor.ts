import {
  isObject,
  type JsonObject,
  readCount,
  readList,
  readObject,
  readSequence,
  readText,
  refusePart,
} from './json-fields.ts'

/** Puts special tokens around the ids of a text. */
export type PostProcessor = (tokenIds: readonly number[]) => readonly number[]

const keep: PostProcessor = (tokenIds) => tokenIds

/** One step of a template: the ids of a special token, or null for the text itself. */
type TemplateStep = readonly number[] | null

const readSpecialIds = (config: JsonObject, name: string, where: string): number[] => {
  const place = `${where}.special_tokens["${name}"]`
  const listed = readObject(config['special_tokens'], `${where}.special_tokens`)
  const entry = readObject(Object.hasOwn(listed, name) ? listed[name] : undefined, place)
  return readList(entry['ids'], `${place}.ids`).map((id) => readCount(id, `${place}.ids`))
}

const readStep = (step: unknown, config: JsonObject, where: string): TemplateStep => {
  const place = `${where}.single`
  const item = readObject(step, place)
  if (isObject(item['Sequence'])) return null
  const { SpecialToken: special } = item
  const name = readText(readObject(special, place)['id'], `${place}.SpecialToken.id`)
  return readSpecialIds(config, name, where)
}

const createTemplate = (config: JsonObject, where: string): PostProcessor => {
  const steps = readList(config['single'], `${where}.single`).map((step) =>
    readStep(step, config, where),
  )
  return (tokenIds) => steps.flatMap((ids) => ids ?? tokenIds)
}

/** `["</s>", 2]` */
const readTokenId = (value: unknown, where: string): number =>
  readCount(readList(value, where)[1], `${where}[1]`)

/** Builds `post_processor` of a tokenizer.json; null leaves the ids as they are. */
export const createPostProcessor = (value: unknown, where: string, depth = 0): PostProcessor => {
  if (value === null || value === undefined) return keep
  const config = readObject(value, where)
  const type = readText(config['type'], `${where}.type`)
  switch (type) {
    case 'Sequence': {
      const place = { where: `${where}.processors`, depth }
      const steps = readSequence(config['processors'], place, createPostProcessor)
      return (tokenIds) => steps.reduce((ids, step) => step(ids), tokenIds)
    }
    case 'ByteLevel':
      return keep
    case 'TemplateProcessing':
      return createTemplate(config, where)
    case 'BertProcessing':
    case 'RobertaProcessing': {
      const first = readTokenId(config['cls'], `${where}.cls`)
      const last = readTokenId(config['sep'], `${where}.sep`)
      return (tokenIds) => [first, ...tokenIds, last]
    }
    default:
      throw refusePart(`${where}.type`, `is "${type}", a post-processor that Quire does not know`)
  }
}
