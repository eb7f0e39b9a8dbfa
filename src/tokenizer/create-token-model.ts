import { createBpe } from './bpe.ts'
import {
  type JsonObject,
  readCount,
  readFlag,
  readList,
  readObject,
  readText,
  refuseFile,
  refusePart,
} from './json-fields.ts'
import type { TokenModel } from './token-model.ts'
import { createUnigram } from './unigram.ts'
import { createWordPiece } from './word-piece.ts'

const readVocab = (value: unknown): Map<string, number> =>
  new Map(
    Object.entries(readObject(value, 'model.vocab')).map(([token, id]) => [
      token,
      readCount(id, `model.vocab["${token}"]`),
    ]),
  )

/** Merges are pairs, or in older files two tokens with a space between. */
const readMerge = (value: unknown, index: number): readonly [string, string] => {
  const where = `model.merges[${index}]`
  const parts = typeof value === 'string' ? value.split(' ') : readList(value, where)
  const [left, right] = parts
  if (parts.length !== 2 || typeof left !== 'string' || typeof right !== 'string') {
    throw refuseFile(where, 'is not a pair of tokens')
  }
  return [left, right]
}

/** Lists taken over from a merges.txt begin with its header. */
const isMerge = (value: unknown) => typeof value !== 'string' || !value.startsWith('#version')

const maxMerges = 2 ** 22

const readBpe = (model: JsonObject): TokenModel => {
  const text = (name: string) => readText(model[name], `model.${name}`, '')
  const flag = (name: string) => readFlag(model[name], `model.${name}`, false)
  const merges = readList(model['merges'], 'model.merges').filter(isMerge).map(readMerge)
  if (merges.length > maxMerges) throw refuseFile('model.merges', `has more than ${maxMerges}`)
  return createBpe({
    vocab: readVocab(model['vocab']),
    merges,
    unkToken: text('unk_token'),
    continuingSubwordPrefix: text('continuing_subword_prefix'),
    endOfWordSuffix: text('end_of_word_suffix'),
    fuseUnk: flag('fuse_unk'),
    byteFallback: flag('byte_fallback'),
    ignoreMerges: flag('ignore_merges'),
  })
}

const readScoredToken = (value: unknown, index: number): readonly [string, number] => {
  const where = `model.vocab[${index}]`
  const [token, score, ...rest] = readList(value, where)
  if (typeof token !== 'string' || typeof score !== 'number' || rest.length > 0) {
    throw refuseFile(where, 'is not a token with its score')
  }
  return [token, score]
}

const readUnigram = (model: JsonObject): TokenModel => {
  const vocab = readList(model['vocab'], 'model.vocab').map(readScoredToken)
  const unkId = model['unk_id'] ?? null
  return createUnigram({
    vocab,
    unkId: unkId === null ? null : readCount(unkId, 'model.unk_id', vocab.length - 1),
    byteFallback: readFlag(model['byte_fallback'], 'model.byte_fallback', false),
  })
}

const readUnknown = (model: JsonObject, vocab: ReadonlyMap<string, number>): number => {
  const token = readText(model['unk_token'], 'model.unk_token', '[UNK]')
  const id = vocab.get(token)
  if (id === undefined) throw refuseFile('model.unk_token', 'is not in the vocabulary')
  return id
}

const readWordPiece = (model: JsonObject): TokenModel => {
  const vocab = readVocab(model['vocab'])
  const longest = model['max_input_chars_per_word'] ?? 100
  const prefix = model['continuing_subword_prefix']
  return createWordPiece({
    vocab,
    unkId: readUnknown(model, vocab),
    continuingSubwordPrefix: readText(prefix, 'model.continuing_subword_prefix', '##'),
    maxWordLength: readCount(longest, 'model.max_input_chars_per_word'),
  })
}

const readWordLevel = (model: JsonObject): TokenModel => {
  const vocab = readVocab(model['vocab'])
  const unknown = [readUnknown(model, vocab)]
  return {
    vocab,
    encode: (word) => {
      const id = vocab.get(word)
      return id === undefined ? unknown : [id]
    },
  }
}

/** Files of older versions name no type. */
const typeOf = (model: JsonObject): string => {
  if (model['type'] !== undefined) return readText(model['type'], 'model.type')
  if (Array.isArray(model['vocab'])) return 'Unigram'
  if ('merges' in model) return 'BPE'
  return 'continuing_subword_prefix' in model ? 'WordPiece' : 'WordLevel'
}

/** Builds `model` of a tokenizer.json. */
export const createTokenModel = (value: unknown): TokenModel => {
  const model = readObject(value, 'model')
  const type = typeOf(model)
  switch (type) {
    case 'BPE':
      return readBpe(model)
    case 'Unigram':
      return readUnigram(model)
    case 'WordPiece':
      return readWordPiece(model)
    case 'WordLevel':
      return readWordLevel(model)
    default:
      throw refusePart('model.type', `is "${type}", a model that Quire does not know`)
  }
}
