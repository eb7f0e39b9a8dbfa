import { refuseFile } from './json-fields.ts'

/** Units of the double array: the fields of darts-clone, which SentencePiece writes. */
const hasLeaf = (unit: number) => ((unit >>> 8) & 1) === 1
const labelOf = (unit: number) => (unit & 0x8000_00ff) >>> 0
const offsetOf = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6)
const valueOf = (unit: number) => unit & 0x7fff_ffff

const decodeBase64 = (text: string, where: string): Uint8Array<ArrayBuffer> => {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  } catch (error) {
    throw refuseFile(where, 'is not base64', error)
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Longer graphemes are looked up character by character, as SentencePiece's Rust port does. */
const longestGrapheme = 5

const maxKnown = 4096
const chunkLength = 256
const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' })

/**
 * The graphemes of a text, looked for in chunks: V8's segmenter takes quadratic time (3 s for
 * 100,000 characters in Node 20). The last grapheme of a chunk may go on and begins the next one.
 */
function* listGraphemes(text: string): Generator<string> {
  let start = 0
  while (start < text.length) {
    const chunk = text.slice(start, start + chunkLength)
    const isLast = start + chunk.length >= text.length
    const graphemes = Array.from(segmenter.segment(chunk), ({ segment }) => segment)
    const ready = isLast || graphemes.length === 1 ? graphemes : graphemes.slice(0, -1)
    for (const grapheme of ready) {
      yield grapheme
      start += grapheme.length
    }
  }
}

/**
 * SentencePiece's normaliser: a table of replacements behind a double-array trie, in base64 (size
 * of the trie in bytes, the trie, then the replacements, each ended by a NUL; little-endian).
 */
export const createPrecompiledNormalizer = (
  charsmap: string,
  where: string,
): ((text: string) => string) => {
  const bytes = decodeBase64(charsmap, where)
  const trieSize = bytes.length < 4 ? 0 : new DataView(bytes.buffer).getUint32(0, true)
  if (trieSize === 0 || trieSize % 4 !== 0 || trieSize + 4 > bytes.length) {
    throw refuseFile(where, 'ends before its trie does')
  }
  const view = new DataView(bytes.buffer, 4, trieSize)
  const units = Uint32Array.from({ length: trieSize / 4 }, (_, at) => view.getUint32(at * 4, true))
  const replacements = bytes.subarray(4 + trieSize)

  /** Place of the replacement of the shortest prefix that has one; null where none has. */
  const find = (key: Uint8Array): number | null => {
    let node = offsetOf(units[0] ?? 0)
    for (const byte of key) {
      node = (node ^ byte) >>> 0
      const unit = units[node]
      if (byte === 0 || unit === undefined || labelOf(unit) !== byte) return null
      node = (node ^ offsetOf(unit)) >>> 0
      if (hasLeaf(unit)) return valueOf(units[node] ?? 0)
    }
    return null
  }
  const replace = (part: string): string | null => {
    const start = find(encoder.encode(part))
    if (start === null) return null
    const end = replacements.indexOf(0, start)
    return decoder.decode(replacements.subarray(start, end === -1 ? undefined : end))
  }
  const known = new Map<string, string>()
  const replaceGrapheme = (grapheme: string): string => {
    const whole = encoder.encode(grapheme).length <= longestGrapheme ? replace(grapheme) : null
    if (whole !== null) return whole
    return Array.from(grapheme, (character) => replace(character) ?? character).join('')
  }
  return (text) => {
    let normalized = ''
    for (const grapheme of listGraphemes(text)) {
      const done = known.get(grapheme) ?? replaceGrapheme(grapheme)
      if (known.size < maxKnown) known.set(grapheme, done)
      normalized += done
    }
    return normalized
  }
}
