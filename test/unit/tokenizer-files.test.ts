import { expect, test } from 'vitest'
import { blobByteSource } from '../../src/storage/byte-source.ts'
import { createFileSource } from '../../src/storage/file-source.ts'
import { readTokenizerConfig } from '../../src/tokenizer-files.ts'

const read = (files: Readonly<Record<string, unknown>>) =>
  readTokenizerConfig(
    createFileSource(
      { id: 'm', ggufFile: null, place: '/m/' },
      new Map(
        Object.entries(files).map(([name, content]) => {
          const text = typeof content === 'string' ? content : JSON.stringify(content)
          return [name, async () => blobByteSource(name, new Blob([text]))] as const
        }),
      ),
    ),
  )

const config = { eos_token: '</s>', chat_template: 'config' }
const jinja = { name: 'default', template: 'jinja' }
const tools = { name: 'tool_use', template: 'tools' }

test('a model may have none of the files', async () => {
  expect(await read({})).toEqual({})
})

// As `_from_pretrained` of transformers reads them.
test.each<[string, Record<string, unknown>, unknown]>([
  ['the one of tokenizer_config.json', {}, 'config'],
  ['a file of its own before it', { 'chat_template.jinja': 'jinja' }, [jinja]],
  [
    'both files before it',
    { 'chat_template.jinja': 'jinja', 'additional_chat_templates/tool_use.jinja': 'tools' },
    [jinja, tools],
  ],
  ['none but that for tools', { 'additional_chat_templates/tool_use.jinja': 'tools' }, [tools]],
  [
    "the configuration's before a processor's",
    { 'chat_template.json': { chat_template: 'p' } },
    'config',
  ],
  [
    "a processor's where there is no other",
    { 'tokenizer_config.json': {}, 'chat_template.json': { chat_template: 'p' } },
    'p',
  ],
])('of chat templates: %s', async (_, files, expected) => {
  const { chat_template: template } = await read({ 'tokenizer_config.json': config, ...files })
  expect(template).toEqual(expected)
})

test('special tokens of older repositories win', async () => {
  const map = { eos_token: { content: '<|im_end|>' }, bos_token: '<s>' }
  const older = { 'tokenizer_config.json': config, 'special_tokens_map.json': map }
  expect(await read(older)).toEqual({ ...config, ...map })
  const newer = { ...config, added_tokens_decoder: {} }
  expect(await read({ ...older, 'tokenizer_config.json': newer })).toEqual(newer)
})
