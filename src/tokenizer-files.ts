import { isRecord } from './models/config-fields.ts'
import type { ModelSource } from './storage/byte-source.ts'

type Fields = Readonly<Record<string, unknown>>

/** Of the templates besides the main one, that which requests may choose. */
const toolTemplateFile = 'additional_chat_templates/tool_use.jinja'

const readFields = async (source: ModelSource, name: string): Promise<Fields> => {
  const json = (await source.has(name)) ? await source.readJson(name) : null
  return isRecord(json) ? json : {}
}

const readTemplates = async (source: ModelSource, config: Fields): Promise<Fields> => {
  const main = await source.readText('chat_template.jinja')
  const tools = await source.readText(toolTemplateFile)
  const named = [
    { name: 'default', template: main },
    { name: 'tool_use', template: tools },
  ].filter(({ template }) => template !== null)
  if (named.length > 0) return { chat_template: named }
  if ((config['chat_template'] ?? null) !== null) return {}
  // A processor's, which reads the text of models that read more as well.
  return readFields(source, 'chat_template.json')
}

/**
 * tokenizer_config.json with what transformers adds from other files: chat templates of their own, which
 * win, and the special tokens of older repositories. Empty where there is none of it.
 *
 * @throws EngineError `invalid-file` for a file that is not JSON.
 */
export const readTokenizerConfig = async (source: ModelSource): Promise<Fields> => {
  const config = await readFields(source, 'tokenizer_config.json')
  const older =
    'added_tokens_decoder' in config ? {} : await readFields(source, 'special_tokens_map.json')
  return { ...config, ...older, ...(await readTemplates(source, config)) }
}
