const encoder = new TextEncoder()

const nameByte = (byte: number) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`

/**
 * Finds the byte tokens (`<0x0A>`) that spell a text which the vocabulary lacks; null where one of
 * its bytes has no token.
 */
export const createByteFallback = (
  vocab: ReadonlyMap<string, number>,
): ((text: string) => readonly number[] | null) => {
  const idsByByte = Array.from({ length: 256 }, (_, byte) => vocab.get(nameByte(byte)))
  return (text) => {
    const ids: number[] = []
    for (const byte of encoder.encode(text)) {
      const id = idsByByte[byte]
      if (id === undefined) return null
      ids.push(id)
    }
    return ids
  }
}

/** The byte that a token such as `<0x0A>` stands for; null for other tokens. */
export const byteOfToken = (token: string): number | null => {
  const digits = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1]
  return digits === undefined ? null : Number.parseInt(digits, 16)
}
