import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { loadChatTemplate } from '../../../../src/tokenizer/chat-template.ts'
import { loadTokenizer } from '../../../../src/tokenizer/tokenizer.ts'
import { readGgufFile } from '../../../../src/weights/gguf/gguf-file.ts'
import type { GgufMetadata, GgufValue } from '../../../../src/weights/gguf/metadata.ts'
import { ggufTokenizer } from '../../../../src/weights/gguf/tokenizer-files.ts'
import { ggufSource } from './build-gguf.ts'

type Sample = {
  readonly text: string
  readonly ids: number[]
  readonly idsWithSpecial: number[]
  readonly decoded: string
}

const folder = new URL('../../../fixtures/gguf/', import.meta.url)
const fixtures = JSON.parse(readFileSync(new URL('tokenizers.json', folder), 'utf8')) as Record<
  string,
  Sample[]
>

const readMetadata = async (kind: string): Promise<GgufMetadata> => {
  const bytes = new Uint8Array(readFileSync(new URL(`tokenizer-${kind}.gguf`, folder)))
  return (await readGgufFile(ggufSource(bytes))).metadata
}

const load = (metadata: GgufMetadata) => loadTokenizer(ggufTokenizer(metadata, 'model.gguf'))

describe.each(Object.entries(fixtures))('%s against Rust tokenizers', (kind, samples) => {
  test('encodes and decodes the same', async () => {
    const tokenizer = load(await readMetadata(kind))
    for (const { text, ids, idsWithSpecial, decoded } of samples) {
      expect([text, tokenizer.encode(text, { addSpecialTokens: false })]).toEqual([text, ids])
      expect(tokenizer.encode(text)).toEqual(idsWithSpecial)
      expect(tokenizer.decode(ids)).toBe(decoded)
    }
  })

  test('knows no filler tokens', async () => {
    const metadata = await readMetadata(kind)
    const tokens = metadata.get('tokenizer.ggml.tokens') as readonly string[]
    const filler = tokens.findIndex((token) => token.startsWith('[PAD') && token !== '[PAD]')
    const tokenizer = load(metadata)
    expect(tokenizer.idToToken(filler)).toBeNull()
    expect(tokenizer.idToToken(filler - 1)).not.toBeNull()
  })
})

test('special tokens, the ids that end an answer, and the chat template', async () => {
  const metadata = await readMetadata('qwen2')
  const tokens = metadata.get('tokenizer.ggml.tokens') as readonly string[]
  const [start, end] = ['<|start|>', '<|end|>'].map((token) => tokens.indexOf(token))
  const { tokenizerConfig, tokenIds } = ggufTokenizer(metadata, 'model.gguf')
  expect(tokenIds).toEqual({ bos_token_id: start, eos_token_id: [end] })
  const template = loadChatTemplate(tokenizerConfig)
  const messages = [{ role: 'user', content: 'hi' }]
  expect(template?.render({ messages, addGenerationPrompt: true })).toBe('<|start|>hi')
})

const metadataOf = (entries: Record<string, GgufValue>): GgufMetadata =>
  new Map(
    Object.entries({
      'general.architecture': 'llama',
      'tokenizer.ggml.model': 'gpt2',
      'tokenizer.ggml.pre': 'gpt-2',
      'tokenizer.ggml.tokens': ['a', 'b', 'ab', '<|end|>', '<|im_end|>', '<|eot_id|>'],
      'tokenizer.ggml.token_type': Int32Array.of(1, 1, 1, 3, 3, 1),
      'tokenizer.ggml.merges': ['a b'],
      ...entries,
    }),
  )

test('the ends of text, turn and message are ends alike', () => {
  const ends = { eos_token_id: 3, eot_token_id: 4, eom_token_id: 3 }
  const named = Object.entries(ends).map(([key, id]) => [`tokenizer.ggml.${key}`, id])
  const { tokenIds } = ggufTokenizer(metadataOf(Object.fromEntries(named)), 'm.gguf')
  expect(tokenIds['eos_token_id']).toEqual([3, 4])
})

test('flags of the file overrule what its kind usually does', () => {
  const ids = { 'tokenizer.ggml.bos_token_id': 3, 'tokenizer.ggml.eos_token_id': 4 }
  const encode = (entries: Record<string, GgufValue>) =>
    load(metadataOf({ ...ids, ...entries })).encode('ab')
  expect(encode({})).toEqual([2])
  expect(encode({ 'tokenizer.ggml.pre': 'llama-bpe' })).toEqual([3, 2])
  const flags = { 'tokenizer.ggml.add_bos_token': true, 'tokenizer.ggml.add_eos_token': true }
  expect(encode(flags)).toEqual([3, 2, 4])
  expect(
    encode({ 'tokenizer.ggml.pre': 'llama-bpe', 'tokenizer.ggml.add_bos_token': false }),
  ).toEqual([2])
})

test('ids outside the vocabulary are no tokens', () => {
  const { tokenIds, tokenizerConfig } = ggufTokenizer(
    metadataOf({
      'tokenizer.ggml.bos_token_id': 99,
      'tokenizer.ggml.padding_token_id': 4_294_967_295,
    }),
    'm.gguf',
  )
  expect(tokenIds).toEqual({ eos_token_id: [] })
  expect(tokenizerConfig).toEqual({})
})

test('named chat templates', () => {
  const named = {
    'tokenizer.chat_template': 'plain',
    'tokenizer.chat_template.tool_use': '{{ tools | length }} tools',
  }
  const template = loadChatTemplate(ggufTokenizer(metadataOf(named), 'm').tokenizerConfig)
  const input = { messages: [], addGenerationPrompt: false }
  expect(template?.render(input)).toBe('plain')
  expect(template?.render({ ...input, tools: [1, 2] })).toBe('2 tools')
})

test("Phi's chat tokens swallow the spaces after them", () => {
  const entries: Record<string, GgufValue> = {
    'general.architecture': 'phi3',
    'tokenizer.ggml.model': 'llama',
    'tokenizer.ggml.tokens': ['<unk>', '<s>', '</s>', '▁', 'a', '<|user|>', '<|endoftext|>'],
    'tokenizer.ggml.token_type': Int32Array.of(2, 3, 3, 1, 1, 3, 3),
    'tokenizer.ggml.scores': new Float32Array(7),
    'tokenizer.ggml.bos_token_id': 1,
    'tokenizer.ggml.add_bos_token': false,
  }
  const metadata = new Map(metadataOf(entries))
  metadata.delete('tokenizer.ggml.merges')
  const tokenizer = load(metadata)
  expect(tokenizer.encode('<|user|>  a<|endoftext|> a')).toEqual([5, 3, 4, 6, 3, 3, 4])
})

const without = (key: string): GgufMetadata => {
  const metadata = new Map(metadataOf({}))
  metadata.delete(key)
  return metadata
}

test.each<[string, GgufMetadata, string, RegExp]>([
  ['no tokens', without('tokenizer.ggml.tokens'), 'invalid-file', /brings no tokenizer/],
  ['no kind', without('tokenizer.ggml.model'), 'invalid-file', /brings no tokenizer/],
  ['no merges', without('tokenizer.ggml.merges'), 'invalid-file', /has no merges/],
  [
    'merges that are no pairs',
    metadataOf({ 'tokenizer.ggml.merges': ['ab'] }),
    'invalid-file',
    /no list of pairs/,
  ],
  [
    'types of other tokens',
    metadataOf({ 'tokenizer.ggml.token_type': Int32Array.of(1) }),
    'invalid-file',
    /token_type is no list of 6 numbers/,
  ],
  [
    'unknown rules',
    metadataOf({ 'tokenizer.ggml.pre': 'klingon' }),
    'unsupported-format',
    /"klingon" \(tokenizer\.ggml\.pre\)/,
  ],
  ['another kind', metadataOf({ 'tokenizer.ggml.model': 'rwkv' }), 'unsupported-format', /"rwkv"/],
  [
    'endless tokens',
    new Map([
      ...[...metadataOf({})].filter(([key]) => !key.endsWith('merges')),
      ['tokenizer.ggml.model', 'llama'],
      ['tokenizer.ggml.scores', new Float32Array(6)],
      ['tokenizer.ggml.tokens', ['a'.repeat(300), 'b', 'c', 'd', 'e', 'f']],
    ]),
    'invalid-file',
    /token 0 has 300 characters/,
  ],
])('refuses %s', (_, metadata, code, message) => {
  const expected = expect.objectContaining({ code, message: expect.stringMatching(message) })
  expect(() => ggufTokenizer(metadata, 'model.gguf')).toThrow(expected)
})
