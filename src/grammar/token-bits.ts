/** Masks as the engine takes them: word `id >> 5`, bit `id & 31`; ids beyond the mask are left out. */
export const setBits = (mask: Uint32Array, tokenIds: readonly number[]): void => {
  for (const id of tokenIds) {
    const word = mask[id >> 5]
    if (word !== undefined) mask[id >> 5] = word | (1 << (id & 31))
  }
}

export const clearBits = (mask: Uint32Array, tokenIds: readonly number[]): void => {
  for (const id of tokenIds) {
    const word = mask[id >> 5]
    if (word !== undefined) mask[id >> 5] = word & ~(1 << (id & 31))
  }
}
