import { describe, expect, test } from 'vitest'
import {
  parseOutput,
  reasoningParserNames,
  toolParserNames,
  type OutputFinishReason,
  type OutputParserOptions,
} from '../../src/parsers/index.ts'
import { findReasoningFormat, findToolFormat, textsOf } from '../../src/parsers/registry.ts'
import type { ReasoningFormat } from '../../src/parsers/reasoning-formats.ts'
import { callWriters } from '../unit/parsers/tool-writers.ts'
import {
  comparable,
  createRandom,
  mutate,
  parseInPieces,
  pick,
  seed,
  type Random,
} from './random-outputs.ts'

/*
 * Random and mutated outputs of models that think: nothing throws, the cuts do not matter, and no
 * text is lost or made up.
 */
const numOutputs = 30_000

const words = ['One.', 'Two', ' ', '\n', '\n\n', '<', '</', '<|', 'é👍', 'to=f', 'x < y', '{}', 'a']

const kwargs: readonly Readonly<Record<string, unknown>>[] = [
  {},
  { enable_thinking: false },
  { thinking: true },
  { reasoning_effort: 'none' },
  { reasoning_effort: 'high', thinking_mode: 'enabled' },
  { force_nonempty_content: true },
]

const call = { name: 'f', arguments: { city: 'Oslo' } }

/** What such a model may well write. */
const write = (random: Random, format: ReasoningFormat, toolParser: string | null): string => {
  const text = () => pick(random, ['One.', '\nOne.\n\nTwo.\n', '', ' ', 'x < y é👍'], '')
  const written = toolParser === null ? '' : (callWriters[toolParser]?.write([call]) ?? '')
  const end = pick(random, format.ends, '')
  const answer = pick(random, ['', written, `Well. ${written}`, 'It is 42.'], '')
  if (format.kind === 'delimited-reasoning') {
    return pick(random, ['', ...format.starts], '') + text() + end + answer
  }
  const header = `${pick(random, ['', format.start], '')}assistant`
  const separator = pick(random, ['', ...format.separators, ' '], '')
  const body = pick(random, format.bodies, '')
  const kind = pick(random, [...format.reasoning, 'final', 'to=user', 'to=f'], '')
  const first = header + separator + kind + body + text() + end
  return first + format.start + 'assistant' + separator + 'final' + body + answer + end
}

const lettersOf = (text: string): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const letter of text.match(/[\p{L}\p{N}]/gu) ?? []) {
    counts.set(letter, (counts.get(letter) ?? 0) + 1)
  }
  return counts
}
const holds = (whole: string, part: string): boolean => {
  const available = lettersOf(whole)
  return [...lettersOf(part)].every(([letter, count]) => (available.get(letter) ?? 0) >= count)
}

/** What no marker covers, however they overlap. */
const outsideOf = (markers: readonly string[], text: string): string => {
  const kept = Array.from({ length: text.length }, (_, at) => text.charAt(at))
  for (const marker of markers) {
    for (let at = text.indexOf(marker); at >= 0; at = text.indexOf(marker, at + 1)) {
      kept.fill('', at, at + marker.length)
    }
  }
  return kept.join('')
}

/** Every letter that is in no marker comes out once, and none that was not there. */
const checkLetters = (text: string, found: string, format: ReasoningFormat): string | null => {
  if (format.kind === 'channelled-messages') return null
  if (format.promotion !== null || format.contentPrefix !== null) return null
  const markers = [...format.starts, ...format.firstStarts, ...format.ends, ...format.answerTags]
  const rest = outsideOf(markers, text)
  if (!holds(found, rest)) return `text lost: ${found}`
  return holds(text, found) ? null : `text made up: ${found}`
}

describe('any output', () => {
  test.each(reasoningParserNames)('of %s', (reasoningParser) => {
    const random = createRandom(seed + reasoningParserNames.indexOf(reasoningParser) * 7919)
    const format = findReasoningFormat(reasoningParser)
    const numRuns = Math.ceil(numOutputs / reasoningParserNames.length)
    const failures: string[] = []
    for (let run = 0; run < numRuns && failures.length < 3; run++) {
      const toolParser = pick(random, [null, null, ...toolParserNames], null)
      const literals = textsOf([format, toolParser && findToolFormat(toolParser)])
      const pieces = [...words, ...literals.filter((literal) => /[^\w-]/.test(literal))]
      const noise = Array.from({ length: random(8) }, () => pick(random, pieces, '')).join('')
      const good = write(random, format, toolParser)
      const text = random(4) === 0 ? noise : mutate(random, good, pieces)
      const promptTail = pick(random, ['', '', ...literals, noise], '')
      const options: OutputParserOptions = {
        reasoningParser,
        toolParser,
        promptTail,
        chatTemplateKwargs: pick(random, kwargs, {}),
      }
      const reason: OutputFinishReason = random(3) === 0 ? 'length' : 'stop'
      const whole = parseOutput(text, { ...options, finishReason: reason })
      const inPieces = parseInPieces(random, text, options)(reason)
      const cuts =
        comparable(whole) === comparable(inPieces) ? null : `cuts: ${comparable(inPieces)}`
      const found = `${whole.reasoning ?? ''}${whole.content ?? ''}`
      const problem = cuts ?? (toolParser === null ? checkLetters(text, found, format) : null)
      if (problem === null) continue
      failures.push(`${JSON.stringify({ text, ...options })}\n  ${problem}\n  ${comparable(whole)}`)
    }
    expect(failures.join('\n')).toBe('')
  })
})
