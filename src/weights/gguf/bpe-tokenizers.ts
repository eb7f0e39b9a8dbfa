import { EngineError } from '../../errors.ts'
import { invalidGguf } from './header-reader.ts'
import { type PreTokenizer, preTokenizerOf } from './pre-tokenizers.ts'
import {
  addedTokens,
  surroundWith,
  tokenTypes,
  vocabEntries,
  type Vocabulary,
} from './vocabulary.ts'

/** The contents of a Hugging Face tokenizer.json. */
export type TokenizerJson = Readonly<Record<string, unknown>>

const postProcessor = (vocabulary: Vocabulary, addBos: boolean) =>
  surroundWith(
    (vocabulary.flag('add_bos_token') ?? addBos) ? vocabulary.specialToken('bos') : null,
    (vocabulary.flag('add_eos_token') ?? false) ? vocabulary.specialToken('eos') : null,
  )

const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false }

const splitSequence = ({ splits }: PreTokenizer) => ({
  type: 'Sequence',
  pretokenizers: [
    ...splits.map((pattern) => ({
      type: 'Split',
      pattern: { Regex: pattern },
      behavior: 'Isolated',
      invert: false,
    })),
    { ...byteLevel, use_regex: false },
  ],
})

/** `gpt2`: byte-level BPE, as GPT-2, Llama 3, Qwen and most others since. */
export const byteLevelTokenizer = (vocabulary: Vocabulary): TokenizerJson => {
  const { merges, file } = vocabulary
  if (!merges) throw invalidGguf(file, 'its byte-level tokenizer has no merges')
  const pre = preTokenizerOf(vocabulary)
  return {
    version: '1.0',
    added_tokens: addedTokens(vocabulary),
    normalizer: pre.isComposed ? { type: 'NFC' } : null,
    pre_tokenizer: splitSequence(pre),
    post_processor: postProcessor(vocabulary, pre.addBos),
    decoder: { ...byteLevel, use_regex: true },
    model: {
      type: 'BPE',
      unk_token: null,
      byte_fallback: false,
      fuse_unk: false,
      ignore_merges: pre.ignoreMerges,
      vocab: Object.fromEntries(vocabEntries(vocabulary)),
      merges,
    },
  }
}

/** Longer than the longest token of any vocabulary; every split of every token is looked at. */
const maxTokenLength = 256

type Merge = {
  readonly pair: readonly [string, string]
  readonly ids: readonly [number, number]
  readonly lengths: readonly [number, number]
  readonly score: number
}

/** The ways to make one token of two, the pieces that come first in the vocabulary first. */
const mergesOf = (token: string, score: number, ids: ReadonlyMap<string, number>): Merge[] => {
  const characters = Array.from(token)
  const merges: Merge[] = []
  let at = 0
  for (let length = 1; length < characters.length; length++) {
    at += characters[length - 1]!.length
    const pair = [token.slice(0, at), token.slice(at)] as const
    const left = ids.get(pair[0])
    const right = ids.get(pair[1])
    if (left === undefined || right === undefined) continue
    merges.push({ pair, ids: [left, right], lengths: [length, characters.length - length], score })
  }
  return merges.toSorted((a, b) => a.ids[0] - b.ids[0] || a.ids[1] - b.ids[1])
}

/**
 * SentencePiece merges the pair whose token has the best score; tokenizer.json lists the pairs in that
 * order. The order of pairs with equal scores is that of Hugging Face's own conversion.
 */
const deriveMerges = (
  vocabulary: Vocabulary,
  tokens: readonly string[],
  scoreOf: (tokenId: number) => number,
): (readonly [string, string])[] => {
  const ids = new Map(tokens.map((token, id) => [token, id]))
  const merges = tokens.flatMap((token, id) => {
    const type = vocabulary.typeOf(id)
    if (type !== tokenTypes.normal && type !== tokenTypes.userDefined) return []
    if (token.length > maxTokenLength) {
      throw invalidGguf(vocabulary.file, `its token ${id} has ${token.length} characters`)
    }
    return mergesOf(token, scoreOf(id), ids)
  })
  return merges
    .sort((a, b) => b.score - a.score || b.lengths[0] - a.lengths[0] || b.lengths[1] - a.lengths[1])
    .map(({ pair }) => pair)
}

const space = '▁'
const isGemma = (architecture: string) => architecture.startsWith('gemma')

/** Phi's chat tokens swallow the spaces after them; files do not say so. */
const stripsAfter = ({ architecture }: Vocabulary, token: string): boolean =>
  architecture === 'phi3' && (token === '</s>' || /^<\|(?!endoftext).*\|>$/.test(token))

/**
 * `llama`: BPE in SentencePiece's manner, as Llama 2, Mistral, Phi-3 and Gemma: spaces are written as ▁
 * and characters that no token has as bytes.
 */
export const sentencePieceTokenizer = (vocabulary: Vocabulary): TokenizerJson => {
  const { architecture, scores, file } = vocabulary
  // Gemma's runs of spaces are stored as spaces, and its scores do not follow its merges.
  const tokens = isGemma(architecture)
    ? vocabulary.tokens.map((token) => (/^ {2,}$/.test(token) ? space.repeat(token.length) : token))
    : vocabulary.tokens
  const spelled = { ...vocabulary, tokens }
  if (!scores && !vocabulary.merges) {
    throw invalidGguf(file, 'its SentencePiece tokenizer has neither scores nor merges')
  }
  const scoreOf = (id: number) => (isGemma(architecture) ? -id : (scores?.[id] ?? 0))
  const hasPrefix = vocabulary.flag('add_space_prefix') ?? !isGemma(architecture)
  const spaces = { type: 'Replace', pattern: { String: ' ' }, content: space }
  return {
    version: '1.0',
    added_tokens: addedTokens(spelled, (token) => stripsAfter(vocabulary, token)),
    normalizer: hasPrefix
      ? { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: space }, spaces] }
      : spaces,
    pre_tokenizer: null,
    post_processor: postProcessor(vocabulary, true),
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: space }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...(hasPrefix ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      type: 'BPE',
      unk_token: vocabulary.specialToken('unknown')?.content ?? null,
      byte_fallback: true,
      fuse_unk: true,
      ignore_merges: false,
      vocab: Object.fromEntries(vocabEntries(spelled)),
      merges: vocabulary.merges ?? deriveMerges(vocabulary, tokens, scoreOf),
    },
  }
}

/** @throws EngineError `unsupported-format` for a kind of tokenizer that Quire does not read. */
export const refuseTokenizer = ({ model, file }: Vocabulary): never => {
  throw new EngineError(
    'unsupported-format',
    `${file} has a tokenizer of the kind ${JSON.stringify(model)} (tokenizer.ggml.model), which Quire ` +
      "does not read from GGUF. Use the model's safetensors files, which bring a tokenizer.json.",
    { details: { file, model } },
  )
}
