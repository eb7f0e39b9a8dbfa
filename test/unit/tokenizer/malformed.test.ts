import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EngineError } from '../../../src/errors.ts'
import { loadTokenizer } from '../../../src/tokenizer/tokenizer.ts'
import { readTokenizerFixture, tokenizerKinds } from './fixtures.ts'

/** `TOKENIZER_MUTATIONS` sets how many damaged files are tried. */
const numMutations = Number(process.env['TOKENIZER_MUTATIONS'] ?? 1000)

const load = (tokenizerJson: unknown, tokenizerConfig: unknown = {}) =>
  loadTokenizer({ tokenizerJson, tokenizerConfig })

const allowedCodes = ['invalid-file', 'unsupported-model', 'unsupported-format']

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type Holder = Json[] | { [key: string]: Json }

const isHolder = (value: unknown): value is Holder => typeof value === 'object' && value !== null

const keysOf = (holder: Holder): string[] => Object.keys(holder)

/** A path into the file: a number chooses one of the keys at each level. */
const findHolder = (root: Holder, path: readonly number[]): [Holder, string] | null => {
  let holder = root
  for (const [depth, choice] of path.entries()) {
    const keys = keysOf(holder)
    const key = keys[choice % keys.length]
    if (key === undefined) return null
    const child: unknown = Reflect.get(holder, key)
    if (depth === path.length - 1 || !isHolder(child)) return [holder, key]
    holder = child
  }
  return null
}

const parts = [
  'BPE Unigram WordPiece WordLevel NFC Strip Replace Prepend Precompiled BertNormalizer ByteLevel',
  'Metaspace Split Digits FixedLength Sequence ByteFallback Fuse TemplateProcessing CTC',
].flatMap((names) => names.split(' '))

const wrong = fc.oneof(
  fc.constantFrom<Json>(null, true, -1, 0.5, 1e9, 2 ** 31, '', '<', [], {}, [[]], '\ud800'),
  fc.constantFrom<Json>('(', '[', '(?<=', '(a+)+', '\\p{Nope}', '[[:x:]]', 'a{99999}', '(?i:['),
  fc.constantFrom(...parts),
  fc.constantFrom(...parts).map((type): Json => ({ type })),
  fc.integer({ min: 0, max: 500 }),
  fc.string({ maxLength: 4 }),
)

const damages: ((holder: Holder, key: string, value: Json) => void)[] = [
  (holder, key, value) => void Reflect.set(holder, key, value),
  (holder, key) => void Reflect.deleteProperty(holder, key),
  (holder, key, value) => void Reflect.set(holder, typeof value === 'string' ? value : key, 7),
  (holder, key) => void Reflect.set(holder, key, [Reflect.get(holder, key)]),
  (holder, key) => void Reflect.set(holder, key, structuredClone(holder)),
]

const damage = fc.record({
  path: fc.array(fc.nat(1000), { minLength: 1, maxLength: 7 }),
  value: wrong,
  how: fc.constantFrom(...damages),
})

const files = new Map(
  tokenizerKinds.map((kind) => [kind, JSON.stringify(readTokenizerFixture(kind).tokenizerJson)]),
)

test('a damaged tokenizer.json loads and works, or is refused with a code', () => {
  const texts = ['', 'a <|end|> é😀\n12 [CLS]', '▁x  y']
  const several = fc.array(damage, { minLength: 1, maxLength: 3 })
  let numRefused = 0
  fc.assert(
    fc.property(fc.constantFrom(...tokenizerKinds), several, (kind, list) => {
      const json: Holder = JSON.parse(files.get(kind) ?? '')
      for (const { path, value, how } of list) {
        const found = findHolder(json, path)
        if (found) how(...found, value)
      }
      try {
        const tokenizer = load(JSON.parse(JSON.stringify(json)))
        for (const text of texts) {
          const ids = tokenizer.encode(text)
          expect(ids.every((id) => Number.isInteger(id))).toBe(true)
          expect(typeof tokenizer.decode(ids)).toBe('string')
        }
      } catch (error) {
        if (!(error instanceof EngineError)) throw error
        expect(allowedCodes).toContain(error.code)
        numRefused += 1
      }
    }),
    { numRuns: numMutations },
  )
  // Or the damage would never have reached what is read.
  expect(numRefused).toBeGreaterThan(numMutations / 10)
})

const bpe = { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges: ['a b'] }

const nest = (depth: number): unknown =>
  depth === 0 ? null : { type: 'Sequence', normalizers: [nest(depth - 1)] }

const withCharsmap = (precompiled_charsmap: string) => ({
  model: bpe,
  normalizer: { type: 'Precompiled', precompiled_charsmap },
})

describe('refuses', () => {
  test.each<[string, object, RegExp]>([
    ['an id outside any vocabulary', { ...bpe, vocab: { a: 2 ** 31 } }, /model\.vocab\["a"\]/],
    ['a merge without its result', { ...bpe, vocab: { a: 0, b: 1 } }, /model\.merges\[0\]/],
    ['half a merge', { ...bpe, merges: ['a'] }, /model\.merges\[0\]/],
    ['a list of ids', { ...bpe, vocab: ['a', 'b'] }, /model\.vocab/],
    ['a score that is text', { type: 'Unigram', vocab: [['a', '1']] }, /model\.vocab\[0\]/],
    ['an unknown id', { type: 'Unigram', vocab: [['a', -1]], unk_id: 1 }, /model\.unk_id/],
    ['no unknown token', { type: 'WordPiece', vocab: { a: 0 } }, /model\.unk_token/],
  ])('%s', (_, model, place) => {
    expect(() => load({ model })).toThrow(place)
    expect(() => load({ model })).toThrow(expect.objectContaining({ code: 'invalid-file' }))
  })

  test.each<[string, object, string]>([
    ['sequences that nest without end', { normalizer: nest(1000) }, 'invalid-file'],
    ['an added token with no id', { added_tokens: [{ content: 'x' }] }, 'invalid-file'],
    [
      'a fixed length of nothing',
      { pre_tokenizer: { type: 'FixedLength', length: 0 } },
      'invalid-file',
    ],
    ['an unknown decoder', { decoder: { type: 'CTC' } }, 'unsupported-model'],
    [
      'an unknown pre-tokenizer',
      { pre_tokenizer: { type: 'UnicodeScripts' } },
      'unsupported-model',
    ],
    ['an unknown normalizer', { normalizer: { type: 'Rot13' } }, 'unsupported-model'],
    ['an unknown post-processor', { post_processor: { type: 'X' } }, 'unsupported-model'],
    ['an unknown model', { model: { type: 'Nonsense' } }, 'unsupported-model'],
  ])('%s', (_, fields, code) => {
    expect(() => load({ model: bpe, ...fields })).toThrow(expect.objectContaining({ code }))
  })

  test('a charsmap that is no base64, or is cut short', () => {
    for (const charsmap of ['%%%', 'AAAA', btoa('\xff\xff\xff\x7f'), btoa('\x08\0\0\0\0\0\0\0')]) {
      expect(() => load(withCharsmap(charsmap))).toThrow(/precompiled_charsmap/)
    }
  })
})
