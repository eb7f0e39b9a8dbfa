import {
  collectOutput,
  createOutputParser,
  type OutputDelta,
  type OutputFinishReason,
  type OutputParserOptions,
  type ParsedOutput,
} from '../../src/parsers/index.ts'

export const seed = Number(process.env['PROPERTY_SEED'] ?? 20_261_121) || Date.now()

/** Marsaglia's xorshift: small, quick, and a failure repeats. */
export const createRandom = (start: number) => {
  let state = start | 1
  return (below: number): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}
export type Random = ReturnType<typeof createRandom>

export const pick = <Item>(random: Random, items: readonly Item[], otherwise: Item): Item =>
  items[random(items.length)] ?? otherwise

/** A well-formed output with pieces cut out, doubled, moved or put in. */
export const mutate = (random: Random, text: string, pieces: readonly string[]): string => {
  let mutated = text
  for (let round = random(5); round > 0; round--) {
    const at = random(mutated.length + 1)
    const length = random(random(4) === 0 ? 30 : 4)
    const piece = mutated.slice(at, at + length)
    const before = mutated.slice(0, at)
    const after = mutated.slice(at + length)
    const kinds = [
      before + after,
      before + piece + piece + after,
      before + pick(random, pieces, '') + piece + after,
      before + pick(random, pieces, '') + after,
      before,
      pick(random, pieces, '') + mutated,
    ]
    mutated = pick(random, kinds, mutated)
  }
  return mutated
}

/** Two outputs are equal where these are. */
export const comparable = ({ toolCalls, ...rest }: ParsedOutput) =>
  JSON.stringify([rest, toolCalls.map((call) => [call.name, call.arguments])])

/** Parses a text cut at random. */
export const parseInPieces = (random: Random, text: string, options: OutputParserOptions) => {
  const parser = createOutputParser(options)
  const deltas: OutputDelta[] = []
  const longest = 1 + random(12)
  for (let at = 0; at < text.length;) {
    const length = 1 + random(longest)
    deltas.push(...parser.push(text.slice(at, at + length)))
    at += length
  }
  return (reason: OutputFinishReason) =>
    collectOutput([...deltas, ...parser.finish(reason)], reason)
}
