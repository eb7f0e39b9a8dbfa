import { toByteAlphabet } from './byte-alphabet.ts'
import {
  type JsonObject,
  readFlag,
  readObject,
  readSequence,
  readText,
  refusePart,
} from './json-fields.ts'
import { readPattern } from './pattern.ts'
import { createPrecompiledNormalizer } from './precompiled-charsmap.ts'

export type Normalizer = (text: string) => string

const isWhitespaceAlone = /\p{White_Space}/gu

/** Rust lower-cases character by character; JavaScript writes a final sigma at the end of words. */
const lowercase: Normalizer = (text) => text.replaceAll('Σ', 'σ').toLowerCase()

const stripAccents: Normalizer = (text) => text.replace(/\p{M}/gu, '')

/** SentencePiece's "nmt" rules: control characters go, line ends and marks become spaces. */
const normalizeNmt: Normalizer = (text) =>
  text
    // oxlint-disable-next-line no-control-regex
    .replace(/[\u0001-\u0008\u000b\u000e-\u001f\u007f\u008f\u009f]/g, '')
    .replace(/[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g, ' ')

/** Ranges of CJK ideographs, as BERT has them. */
const ideographs =
  /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu

const cleanText: Normalizer = (text) =>
  text.replace(/(?![\t\n\r])[\0\ufffd\p{Cc}\p{Cf}\p{Co}]/gu, '').replace(isWhitespaceAlone, ' ')

const createBertNormalizer = (config: JsonObject, where: string): Normalizer => {
  const flag = (name: string, fallback: boolean) =>
    readFlag(config[name], `${where}.${name}`, fallback)
  const lowers = flag('lowercase', true)
  const steps: Normalizer[] = []
  if (flag('clean_text', true)) steps.push(cleanText)
  if (flag('handle_chinese_chars', true)) steps.push((text) => text.replace(ideographs, ' $& '))
  if (flag('strip_accents', lowers)) {
    steps.push((text) => text.normalize('NFD').replace(/\p{Mn}/gu, ''))
  }
  if (lowers) steps.push(lowercase)
  return (text) => steps.reduce((done, step) => step(done), text)
}

const createStrip = (config: JsonObject, where: string): Normalizer => {
  const left = readFlag(config['strip_left'], `${where}.strip_left`, true)
  const right = readFlag(config['strip_right'], `${where}.strip_right`, true)
  return (text) => {
    const begun = left ? text.replace(/^\p{White_Space}+/u, '') : text
    return right ? trimEnd(begun) : begun
  }
}

/** Backwards by hand: `\s+$` takes quadratic time on a run of spaces inside the text. */
const trimEnd = (text: string): string => {
  let end = text.length
  while (end > 0 && /\p{White_Space}/u.test(text.charAt(end - 1))) end -= 1
  return text.slice(0, end)
}

const createReplace = (config: JsonObject, where: string): Normalizer => {
  const pattern = readPattern(config['pattern'], `${where}.pattern`)
  const content = readText(config['content'], `${where}.content`)
  return (text) => text.replace(pattern, () => content)
}

/** Builds `normalizer` of a tokenizer.json; null leaves texts as they are. */
export const createNormalizer = (value: unknown, where: string, depth = 0): Normalizer => {
  if (value === null || value === undefined) return (text) => text
  const config = readObject(value, where)
  const type = readText(config['type'], `${where}.type`)
  switch (type) {
    case 'Sequence': {
      const place = { where: `${where}.normalizers`, depth }
      const steps = readSequence(config['normalizers'], place, createNormalizer)
      return (text) => steps.reduce((done, step) => step(done), text)
    }
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
      return (text) => text.normalize(type)
    case 'Lowercase':
      return lowercase
    case 'StripAccents':
      return stripAccents
    case 'Nmt':
      return normalizeNmt
    case 'ByteLevel':
      return toByteAlphabet
    case 'BertNormalizer':
      return createBertNormalizer(config, where)
    case 'Strip':
      return createStrip(config, where)
    case 'Replace':
      return createReplace(config, where)
    case 'Prepend': {
      const prefix = readText(config['prepend'], `${where}.prepend`)
      return (text) => (text === '' ? text : prefix + text)
    }
    case 'Precompiled': {
      const place = `${where}.precompiled_charsmap`
      const charsmap = readText(config['precompiled_charsmap'], place, '')
      return charsmap === '' ? (text) => text : createPrecompiledNormalizer(charsmap, place)
    }
    default:
      throw refusePart(`${where}.type`, `is "${type}", a normalizer that Quire does not know`)
  }
}
