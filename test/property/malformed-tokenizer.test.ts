import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseJsonFile } from '../../src/storage/byte-source.ts'
import { loadChatTemplate } from '../../src/tokenizer/chat-template.ts'
import { loadTokenizer } from '../../src/tokenizer/tokenizer.ts'
import { readTokenizerFixture, tokenizerKinds } from '../unit/tokenizer/fixtures.ts'
import { damagedJson, tryMalformed } from './malformed.ts'

/** Most of a vocabulary is alike: its ends are enough, and damage then hits the rest more often. */
const shorten = (list: readonly unknown[]) => [...list.slice(0, 4), ...list.slice(-4)]

type TokenizerJson = { readonly model: Readonly<Record<string, unknown>> }

const tokenizers = tokenizerKinds.map((kind) => {
  const json = readTokenizerFixture(kind).tokenizerJson as unknown as TokenizerJson
  const { vocab, merges } = json.model
  const isLong = Array.isArray(vocab) && vocab.length > 100
  const fewer = Array.isArray(merges) ? { merges: shorten(merges) } : {}
  const model = { ...json.model, ...fewer, ...(isLong && { vocab: vocab.slice(0, 60) }) }
  return JSON.stringify({ ...json, model })
})

const config = JSON.stringify({
  bos_token: '<s>',
  eos_token: { content: '<|end|>', lstrip: false, special: true },
  pad_token: null,
  add_bos_token: true,
  added_tokens_decoder: { 500: { content: '<late>', special: true, normalized: false } },
  chat_template: [
    { name: 'default', template: '{% for m in messages %}{{ m.content }}{% endfor %}' },
    { name: 'tool_use', template: '{{ tools | tojson(indent=2) }}{{ eos_token }}' },
  ],
})

const parts = [
  'BPE Unigram WordPiece WordLevel NFC Strip Replace Prepend Precompiled BertNormalizer ByteLevel',
  'Metaspace Split Digits FixedLength Sequence ByteFallback Fuse TemplateProcessing CTC toString',
].flatMap((line) => line.split(' '))

const patterns = ['(', '[', '(?<=', '(a+)+', '\\p{Nope}', '[[:x:]]', 'a{99999}', '(?i:[', '', '.*']
const templates = [
  ['{{', '{% if %}', '{% for x in y %}', '{{ 1 / 0 }}', '{{ messages.nope() }}', '{% endif %}'],
  ['{{ bos_token * 1000000000 }}', "{{ ''.join(messages) }}", '{{ messages | nope }}', '{#'],
  ['{{ messages[0][1][2] }}', '{{ x.__class__ }}', '{{ "a" + 1 }}', "{{ raise_exception('x') }}"],
  ['{% set ns = namespace() %}{{ ns.x }}', '{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}'],
  ['{{ range(1000000000) }}', '('.repeat(5000), `{{ ${'['.repeat(3000)} }}`],
].flat()

const words = [
  [...parts, ...patterns].map((text) => JSON.stringify(text)),
  parts.map((type) => JSON.stringify({ type })),
  ['%%%', 'AAAA', btoa('\xff\xff\xff\x7f'), btoa('\x08\0\0\0\0\0\0\0')].map((text) => `"${text}"`),
].flat()

const none = '{}'
const decode = (bytes: Uint8Array, name: string): unknown =>
  parseJsonFile(name, 'test', new TextDecoder().decode(bytes))

const useTokenizer = (tokenizerJson: unknown, tokenizerConfig: unknown): void => {
  const tokenizer = loadTokenizer({ tokenizerJson, tokenizerConfig })
  for (const text of ['', 'a <|end|> é😀\n12 [CLS]', '▁x  y', '__proto__ \ud800']) {
    const ids = tokenizer.encode(text)
    if (!ids.every((id) => Number.isInteger(id) && id >= 0)) throw new Error(`ids ${ids.join()}`)
    const decoded = tokenizer.decode(ids, { skipSpecialTokens: true })
    if (typeof decoded !== 'string') throw new Error('decode gives no text')
    for (const id of ids) tokenizer.idToToken(id)
  }
}

const useTemplate = (tokenizerConfig: unknown): void => {
  const messages = [{ role: 'user', content: 'Hi' }]
  const template = loadChatTemplate(tokenizerConfig)
  template?.render({ messages, addGenerationPrompt: true })
  template?.render({ messages, tools: [{ type: 'function' }], addGenerationPrompt: false })
}

const toBytes = (text: string) => new TextEncoder().encode(text)

test('a damaged tokenizer.json loads and works, or is refused with a code', async () => {
  const inputs = damagedJson([...tokenizers, none], words)
  const outcomes = await tryMalformed(0.15, inputs, (bytes) =>
    useTokenizer(decode(bytes, 'tokenizer.json'), JSON.parse(config)),
  )
  expect(Object.keys(outcomes).toSorted()).toEqual(['invalid-file', 'loaded', 'unsupported-model'])
  // Or the damage would never have reached what is read, or would always have been too much.
  expect(outcomes['loaded']).toBeGreaterThan(0.05)
  expect(outcomes['invalid-file']).toBeGreaterThan(0.25)
})

test('a damaged tokenizer_config.json and chat template do too', async () => {
  const sound: unknown = JSON.parse(tokenizers[0]!)
  const withTemplate = fc
    .constantFrom(...templates)
    .map((chat_template) => toBytes(JSON.stringify({ eos_token: '</s>', chat_template })))
  const inputs = fc.oneof(
    {
      weight: 9,
      arbitrary: damagedJson(
        [config],
        templates.map((text) => JSON.stringify(text)),
      ),
    },
    { weight: 1, arbitrary: withTemplate },
  )
  const outcomes = await tryMalformed(0.05, inputs, (bytes) => {
    const tokenizerConfig = decode(bytes, 'tokenizer_config.json')
    useTemplate(tokenizerConfig)
    useTokenizer(sound, tokenizerConfig)
  })
  expect(Object.keys(outcomes).toSorted()).toEqual(['invalid-file', 'invalid-request', 'loaded'])
  expect(outcomes['loaded']).toBeGreaterThan(0.05)
  expect(outcomes['invalid-file']).toBeGreaterThan(0.05)
})
