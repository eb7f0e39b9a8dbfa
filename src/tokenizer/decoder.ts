import { fromByteAlphabet } from './byte-alphabet.ts'
import { byteOfToken } from './byte-fallback.ts'
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
import { readPattern } from './pattern.ts'
import { readPrependScheme, readReplacement } from './pre-tokenizer.ts'

/** One step from tokens to text: the texts of all tokens, joined in the end. */
export type Decoder = (tokens: readonly string[]) => readonly string[]

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

const decodeBytes = (chunks: readonly Uint8Array[]): string => {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return utf8.decode(bytes)
}

const decodeByteLevel: Decoder = (tokens) => [decodeBytes(tokens.map(fromByteAlphabet))]

/**
 * Each run of byte tokens as UTF-8. In a run with a malformed part, U+FFFD stands for that part
 * alone; Rust writes one for every byte of the run. A stream can't take back the characters before.
 */
const decodeByteFallback: Decoder = (tokens) => {
  const texts: string[] = []
  let run: number[] = []
  const endRun = () => {
    if (run.length > 0) texts.push(utf8.decode(Uint8Array.from(run)))
    run = []
  }
  for (const token of tokens) {
    const byte = byteOfToken(token)
    if (byte !== null) {
      run.push(byte)
      continue
    }
    endRun()
    texts.push(token)
  }
  endRun()
  return texts
}

const createMetaspace = (config: JsonObject, where: string): Decoder => {
  const replacement = readReplacement(config, where)
  const stripsFirst = readPrependScheme(config, where) !== 'never'
  return (tokens) =>
    tokens.map((token, index) =>
      token.replaceAll(replacement, stripsFirst && index === 0 ? '' : ' '),
    )
}

const contractions: readonly (readonly [string, string])[] = [
  [' .', '.'],
  [' ?', '?'],
  [' !', '!'],
  [' ,', ','],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [' do not', " don't"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
]

const cleanUp = (text: string): string =>
  contractions.reduce((done, [from, to]) => done.replaceAll(from, to), text)

const createWordPiece = (config: JsonObject, where: string): Decoder => {
  const prefix = readText(config['prefix'], `${where}.prefix`, '##')
  const cleans = readFlag(config['cleanup'], `${where}.cleanup`, true)
  return (tokens) =>
    tokens.map((token, index) => {
      const continues = token.startsWith(prefix)
      const text = index === 0 ? token : continues ? token.slice(prefix.length) : ` ${token}`
      return cleans ? cleanUp(text) : text
    })
}

const createStrip = (config: JsonObject, where: string): Decoder => {
  const content = readText(config['content'], `${where}.content`)
  if (Array.from(content).length !== 1) throw refuseFile(`${where}.content`, 'is not one character')
  const fromStart = readCount(config['start'], `${where}.start`)
  const fromEnd = readCount(config['stop'], `${where}.stop`)
  return (tokens) =>
    tokens.map((token) => {
      let [start, end] = [0, token.length]
      for (let cut = 0; cut < fromStart && token.startsWith(content, start); cut += 1) {
        start += content.length
      }
      for (let cut = 0; cut < fromEnd && token.endsWith(content) && end > start; cut += 1) {
        if (!token.slice(start, end).endsWith(content)) break
        end -= content.length
      }
      return token.slice(start, end)
    })
}

const createReplace = (config: JsonObject, where: string): Decoder => {
  const pattern = readPattern(config['pattern'], `${where}.pattern`)
  const content = readText(config['content'], `${where}.content`)
  return (tokens) => tokens.map((token) => token.replace(pattern, () => content))
}

/** Builds `decoder` of a tokenizer.json; without one, spaces separate the tokens. */
export const createDecoder = (value: unknown, where: string, depth = 0): Decoder => {
  if (value === null || value === undefined) return (tokens) => [tokens.join(' ')]
  const config = readObject(value, where)
  const type = readText(config['type'], `${where}.type`)
  switch (type) {
    case 'Sequence': {
      const place = { where: `${where}.decoders`, depth }
      const steps = readSequence(config['decoders'], place, createDecoder)
      return (tokens) => steps.reduce((texts, step) => step(texts), tokens)
    }
    case 'ByteLevel':
      return decodeByteLevel
    case 'ByteFallback':
      return decodeByteFallback
    case 'Metaspace':
      return createMetaspace(config, where)
    case 'WordPiece':
      return createWordPiece(config, where)
    case 'BPEDecoder': {
      const suffix = readText(config['suffix'], `${where}.suffix`, '</w>')
      return (tokens) =>
        tokens.map((token, index) =>
          token.replaceAll(suffix, index === tokens.length - 1 ? '' : ' '),
        )
    }
    case 'Fuse':
      return (tokens) => [tokens.join('')]
    case 'Strip':
      return createStrip(config, where)
    case 'Replace':
      return createReplace(config, where)
    default:
      throw refusePart(`${where}.type`, `is "${type}", a decoder that Quire does not know`)
  }
}
