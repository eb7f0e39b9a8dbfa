const isPrintable = (byte: number) =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae

const otherBytes = Array.from({ length: 256 }, (_, byte) => byte).filter(
  (byte) => !isPrintable(byte),
)

/**
 * GPT-2's alphabet: each byte as one printable character. Printable Latin-1 characters stand for
 * themselves, the other 68 bytes for U+0100 and on.
 */
const characters = Array.from({ length: 256 }, (_, byte) =>
  String.fromCharCode(isPrintable(byte) ? byte : 0x100 + otherBytes.indexOf(byte)),
)

const bytesByCode = new Map(characters.map((character, byte) => [character.charCodeAt(0), byte]))

const encoder = new TextEncoder()

/** The UTF-8 bytes of a text in the byte alphabet. */
export const toByteAlphabet = (text: string): string => {
  let written = ''
  for (const byte of encoder.encode(text)) written += characters[byte] ?? ''
  return written
}

/** The bytes that a token stands for; one with other characters stands for its own UTF-8. */
export const fromByteAlphabet = (token: string): Uint8Array => {
  const bytes = new Uint8Array(token.length)
  for (let index = 0; index < token.length; index += 1) {
    const byte = bytesByCode.get(token.charCodeAt(index))
    if (byte === undefined) return encoder.encode(token)
    bytes[index] = byte
  }
  return bytes
}
