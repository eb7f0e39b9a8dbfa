import { toByteAlphabet } from './byte-alphabet.ts'
import {
  type JsonObject,
  readCount,
  readFlag,
  readObject,
  readSequence,
  readText,
  refuseFile,
  refusePart,
} from './json-fields.ts'
import { readBehavior, readPattern, splitText, type Splitter, translateRegex } from './pattern.ts'

/** A part of the text; `isFirst`: the whole text begins with it. */
export type Piece = { readonly text: string; readonly isFirst: boolean }

/** Cuts a piece into smaller ones, none empty, and may rewrite them. */
export type PreTokenizer = (piece: Piece) => Piece[]

const split =
  (splitter: Splitter): PreTokenizer =>
  (piece) =>
    splitText(piece.text, splitter).map(({ text, start }) => ({
      text,
      isFirst: piece.isFirst && start === 0,
    }))

const chain = (first: PreTokenizer, second: PreTokenizer): PreTokenizer => {
  return (piece) => first(piece).flatMap(second)
}

const gpt2Pattern =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

const toBytes: PreTokenizer = ({ text, isFirst }) => [{ text: toByteAlphabet(text), isFirst }]

const createByteLevel = (config: JsonObject, where: string): PreTokenizer => {
  const addsSpace = readFlag(config['add_prefix_space'], `${where}.add_prefix_space`, true)
  const splits = readFlag(config['use_regex'], `${where}.use_regex`, true)
  const pattern = translateRegex(gpt2Pattern, where)
  const inner = splits ? chain(split({ pattern, behavior: 'Isolated' }), toBytes) : toBytes
  return (piece) =>
    addsSpace && !piece.text.startsWith(' ')
      ? inner({ ...piece, text: ` ${piece.text}` })
      : inner(piece)
}

const prependSchemes: readonly string[] = ['always', 'first', 'never']

/** `always`, `first` or `never`; files of older versions say `add_prefix_space` instead. */
export const readPrependScheme = (config: JsonObject, where: string): string => {
  if (config['add_prefix_space'] === false) return 'never'
  const scheme = readText(config['prepend_scheme'], `${where}.prepend_scheme`, 'always')
  if (prependSchemes.includes(scheme)) return scheme
  throw refuseFile(`${where}.prepend_scheme`, `is none of ${prependSchemes.join(', ')}`)
}

export const readReplacement = (config: JsonObject, where: string): string => {
  const replacement = readText(config['replacement'], `${where}.replacement`, '\u2581')
  if (Array.from(replacement).length === 1) return replacement
  throw refuseFile(`${where}.replacement`, 'is not one character')
}

const createMetaspace = (config: JsonObject, where: string): PreTokenizer => {
  const replacement = readReplacement(config, where)
  const scheme = readPrependScheme(config, where)
  const splits = readFlag(config['split'], `${where}.split`, true)
  const pattern = readPattern({ String: replacement }, where)
  const cut = split({ pattern, behavior: 'MergedWithNext' })
  return ({ text, isFirst }) => {
    const replaced = text.replaceAll(' ', replacement)
    const wantsPrefix = scheme === 'always' || (scheme === 'first' && isFirst)
    const prefix = wantsPrefix && !replaced.startsWith(replacement) ? replacement : ''
    const piece = { text: prefix + replaced, isFirst }
    return splits ? cut(piece) : [piece]
  }
}

const punctuation = /[\p{P}!-/:-@[-`{-~]/gu

const createFixedLength = (config: JsonObject, where: string): PreTokenizer => {
  const length = readCount(config['length'], `${where}.length`)
  if (length === 0) throw refuseFile(`${where}.length`, 'is 0')
  return ({ text, isFirst }) => {
    const characters = Array.from(text)
    return Array.from({ length: Math.ceil(characters.length / length) }, (_, index) => ({
      text: characters.slice(index * length, (index + 1) * length).join(''),
      isFirst: isFirst && index === 0,
    }))
  }
}

const createDigits = (config: JsonObject, where: string): PreTokenizer => {
  const alone = readFlag(config['individual_digits'], `${where}.individual_digits`, false)
  return split({ pattern: /\p{N}/gu, behavior: alone ? 'Isolated' : 'Contiguous' })
}

const createSplit = (config: JsonObject, where: string): PreTokenizer =>
  split({
    pattern: readPattern(config['pattern'], `${where}.pattern`),
    behavior: readBehavior(config['behavior'], `${where}.behavior`),
    invert: readFlag(config['invert'], `${where}.invert`, false),
  })

const atWhitespace = split({ pattern: /\p{White_Space}/gu, behavior: 'Removed' })

/** Builds `pre_tokenizer` of a tokenizer.json; null leaves pieces whole. */
export const createPreTokenizer = (value: unknown, where: string, depth = 0): PreTokenizer => {
  if (value === null || value === undefined) return (piece) => [piece]
  const config = readObject(value, where)
  const type = readText(config['type'], `${where}.type`)
  switch (type) {
    case 'Sequence': {
      const place = { where: `${where}.pretokenizers`, depth }
      const steps = readSequence(config['pretokenizers'], place, createPreTokenizer)
      return (piece) => steps.reduce((pieces, step) => pieces.flatMap(step), [piece])
    }
    case 'ByteLevel':
      return createByteLevel(config, where)
    case 'Metaspace':
      return createMetaspace(config, where)
    case 'Split':
      return createSplit(config, where)
    case 'Digits':
      return createDigits(config, where)
    case 'FixedLength':
      return createFixedLength(config, where)
    case 'Punctuation': {
      const behavior = readBehavior(config['behavior'], `${where}.behavior`, 'Isolated')
      return split({ pattern: punctuation, behavior })
    }
    case 'CharDelimiterSplit': {
      const delimiter = readText(config['delimiter'], `${where}.delimiter`)
      return split({ pattern: readPattern({ String: delimiter }, where), behavior: 'Removed' })
    }
    case 'BertPreTokenizer':
      return chain(atWhitespace, split({ pattern: punctuation, behavior: 'Isolated' }))
    case 'WhitespaceSplit':
      return atWhitespace
    case 'Whitespace':
      return split({
        pattern:
          /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200c\u200d]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200c\u200d\p{White_Space}]+/gu,
        behavior: 'Removed',
        invert: true,
      })
    default:
      throw refusePart(`${where}.type`, `is "${type}", a pre-tokenizer that Quire does not know`)
  }
}
