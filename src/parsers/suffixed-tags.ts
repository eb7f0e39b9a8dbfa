/** A tag, and the suffix that some tokenizers give to the names of all of theirs. */
const suffixed = /^(<\/?[a-z_]+)(:[^\s<>:]+)>$/

/**
 * A format's data in the spelling of a vocabulary: with a token `<think:v1>`, and none `<think>`,
 * what the format calls `<think>` is that token.
 */
export const inVocabulary = <Data>(data: Data, tokens: Iterable<string>): Data => {
  const known = new Set(tokens)
  const spellings = [...known].flatMap((token): (readonly [string, string])[] => {
    const tag = `${suffixed.exec(token)?.[1]}>`
    return suffixed.test(token) && !known.has(tag) ? [[tag, token]] : []
  })
  if (spellings.length === 0) return data
  const spell = (text: string) =>
    spellings.reduce((spelled, [tag, token]) => spelled.replaceAll(tag, () => token), text)
  // Formats are plain data, which JSON keeps whole.
  return JSON.parse(JSON.stringify(data), (_, value: unknown) =>
    typeof value === 'string' ? spell(value) : value,
  ) as Data
}
