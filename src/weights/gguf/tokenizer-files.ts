import {
  byteLevelTokenizer,
  refuseTokenizer,
  sentencePieceTokenizer,
  type TokenizerJson,
} from './bpe-tokenizers.ts'
import type { GgufMetadata } from './metadata.ts'
import {
  addedTokens,
  readVocabulary,
  type SpecialToken,
  surroundWith,
  tokenTypes,
  vocabEntries,
  type Vocabulary,
} from './vocabulary.ts'

/** A file's tokenizer in the shape of Hugging Face's files. */
export type TokenizerFiles = {
  /** tokenizer.json. */
  readonly tokenizerJson: TokenizerJson
  /** tokenizer_config.json: special tokens and chat templates. */
  readonly tokenizerConfig: Readonly<Record<string, unknown>>
  /** `eos_token_id`, `bos_token_id` and `pad_token_id` of config.json. */
  readonly tokenIds: Readonly<Record<string, number | number[]>>
}

/**
 * `bert`: WordPiece. llama.cpp marks the tokens that begin a word (▁) where BERT marks those that
 * continue one (##).
 */
const wordPieceTokenizer = (vocabulary: Vocabulary): TokenizerJson => {
  const tokens = vocabulary.tokens.map((token, id) => {
    const type = vocabulary.typeOf(id)
    if (type !== tokenTypes.normal) return token
    return token.startsWith('▁') ? token.slice(1) : `##${token}`
  })
  const byContent = (content: string): SpecialToken | null => {
    const id = tokens.indexOf(content)
    return id < 0 ? null : { id, content }
  }
  const spelled = { ...vocabulary, tokens }
  const first = vocabulary.specialToken('cls') ?? vocabulary.specialToken('bos')
  const last = vocabulary.specialToken('seperator') ?? vocabulary.specialToken('eos')
  const unknown = vocabulary.specialToken('unknown') ?? byContent('[UNK]')
  // A cased vocabulary has words in upper case besides its special tokens.
  const isCased = tokens.some(
    (token, id) => vocabulary.typeOf(id) === tokenTypes.normal && /[A-Z]/.test(token),
  )
  return {
    version: '1.0',
    added_tokens: addedTokens(spelled),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: !isCased,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: surroundWith(first ?? byContent('[CLS]'), last ?? byContent('[SEP]')),
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: unknown?.content ?? '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabEntries(spelled)),
    },
  }
}

const buildTokenizer = (vocabulary: Vocabulary): TokenizerJson => {
  switch (vocabulary.model) {
    case 'gpt2':
      return byteLevelTokenizer(vocabulary)
    case 'llama':
      return sentencePieceTokenizer(vocabulary)
    case 'bert':
      return wordPieceTokenizer(vocabulary)
    default:
      return refuseTokenizer(vocabulary)
  }
}

/** The default template and the ones with names, as tokenizer_config.json has them. */
const chatTemplates = (
  metadata: GgufMetadata,
): string | { name: string; template: string }[] | null => {
  const prefix = 'tokenizer.chat_template.'
  const main = metadata.get('tokenizer.chat_template')
  const named = [...metadata].flatMap(([key, template]) =>
    key.startsWith(prefix) && typeof template === 'string'
      ? [{ name: key.slice(prefix.length), template }]
      : [],
  )
  if (named.length === 0) return typeof main === 'string' ? main : null
  return typeof main === 'string' ? [{ name: 'default', template: main }, ...named] : named
}

/** The end of the text, of a turn and of a message: what the file itself names. */
const endTokenIds = ({ specialToken }: Vocabulary): number[] => {
  const named = ['eos', 'eot', 'eom'].map((key) => specialToken(key)?.id)
  return [...new Set(named.filter((id) => id !== undefined))]
}

/**
 * The tokenizer that a GGUF file describes, as Hugging Face's files do.
 *
 * @throws EngineError `invalid-file` for a tokenizer that is missing or incomplete, `unsupported-format`
 * for a kind or for rules that Quire does not know.
 */
export const ggufTokenizer = (metadata: GgufMetadata, file: string): TokenizerFiles => {
  const vocabulary = readVocabulary(metadata, file)
  const special = {
    bos_token: vocabulary.specialToken('bos'),
    eos_token: vocabulary.specialToken('eos'),
    unk_token: vocabulary.specialToken('unknown'),
    pad_token: vocabulary.specialToken('padding'),
  }
  const template = chatTemplates(metadata)
  const contents = Object.entries(special).flatMap(([name, token]) =>
    token ? [[name, token.content] as const] : [],
  )
  const { bos_token: bos, pad_token: pad } = special
  return {
    tokenizerJson: buildTokenizer(vocabulary),
    tokenizerConfig: {
      ...Object.fromEntries(contents),
      ...(template !== null && { chat_template: template }),
    },
    tokenIds: {
      eos_token_id: endTokenIds(vocabulary),
      ...(bos && { bos_token_id: bos.id }),
      ...(pad && { pad_token_id: pad.id }),
    },
  }
}
