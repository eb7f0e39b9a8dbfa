import { SplitPreTokenizer } from '@huggingface/tokenizers'
import { readObject, readText, refusePart } from './json-fields.ts'

const maxPatternLength = 20_000

/**
 * Oniguruma folds case by Unicode: in `(?i:'s)` a long s (U+017F) is an s. The translation by
 * @huggingface/tokenizers 0.2 folds ASCII letters alone.
 */
const addLongS = (source: string): string =>
  source.replace(/\(\?i:(?:[^()]|\([^()]*\))*\)/g, (group) =>
    group.replace(/\[[^\]]*\]|\\.|[sS]/g, (atom) => {
      if (atom.startsWith('\\')) return atom
      if (!atom.startsWith('[')) return '[sS\u017f]'
      return /s/i.test(atom) ? `${atom.slice(0, -1)}\u017f]` : atom
    }),
  )

/** A JavaScript expression, global and with Unicode classes, that matches what Oniguruma does. */
export const translateRegex = (source: string, where: string): RegExp => {
  if (source.length > maxPatternLength) {
    throw refusePart(where, `is longer than ${maxPatternLength} characters`)
  }
  try {
    const pattern = { Regex: addLongS(source) }
    const split = new SplitPreTokenizer({
      type: 'Split',
      pattern,
      behavior: 'Isolated',
      invert: false,
    })
    if (split.pattern) return split.pattern
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw refusePart(where, `is no expression that JavaScript can run (${reason})`)
  }
  throw refusePart(where, 'is no expression')
}

const escapeRegex = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')

/** Reads `{ "String": … }` or `{ "Regex": … }`. */
export const readPattern = (value: unknown, where: string): RegExp => {
  const pattern = readObject(value, where)
  if ('String' in pattern) {
    return new RegExp(escapeRegex(readText(pattern['String'], `${where}.String`)), 'gu')
  }
  return translateRegex(readText(pattern['Regex'], `${where}.Regex`), `${where}.Regex`)
}

export type SplitBehavior =
  | 'Removed'
  | 'Isolated'
  | 'MergedWithPrevious'
  | 'MergedWithNext'
  | 'Contiguous'

const behaviors: readonly string[] = [
  'Removed',
  'Isolated',
  'MergedWithPrevious',
  'MergedWithNext',
  'Contiguous',
] satisfies SplitBehavior[]

const isBehavior = (name: string): name is SplitBehavior => behaviors.includes(name)

export const readBehavior = (
  value: unknown,
  where: string,
  fallback?: SplitBehavior,
): SplitBehavior => {
  const name = readText(value, where, fallback)
  if (!isBehavior(name)) throw refusePart(where, `is "${name}", not ${behaviors.join(', ')}`)
  return name
}

type Segment = { start: number; end: number; readonly isMatch: boolean }

const findSegments = (text: string, pattern: RegExp, invert: boolean): Segment[] => {
  const segments: Segment[] = []
  let end = 0
  // Not matchAll, which compiles a copy of the pattern for every word.
  pattern.lastIndex = 0
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    if (end < match.index) segments.push({ start: end, end: match.index, isMatch: invert })
    end = match.index + match[0].length
    segments.push({ start: match.index, end, isMatch: !invert })
    if (match[0] === '') pattern.lastIndex += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1
  }
  if (end < text.length) segments.push({ start: end, end: text.length, isMatch: invert })
  return segments
}

const mergeWithPrevious = (segments: readonly Segment[]): Segment[] => {
  const merged: Segment[] = []
  let wasMatch = false
  for (const segment of segments) {
    const last = merged.at(-1)
    if (segment.isMatch && !wasMatch && last) last.end = segment.end
    else merged.push(segment)
    wasMatch = segment.isMatch
  }
  return merged
}

const mergeWithNext = (segments: readonly Segment[]): Segment[] => {
  const merged: Segment[] = []
  let wasMatch = false
  for (const segment of segments.toReversed()) {
    const last = merged.at(-1)
    if (segment.isMatch && !wasMatch && last) last.start = segment.start
    else merged.push(segment)
    wasMatch = segment.isMatch
  }
  return merged.toReversed()
}

const mergeContiguous = (segments: readonly Segment[]): Segment[] => {
  const merged: Segment[] = []
  for (const segment of segments) {
    const last = merged.at(-1)
    if (last && last.isMatch === segment.isMatch) last.end = segment.end
    else merged.push(segment)
  }
  return merged
}

const applyBehavior = (segments: readonly Segment[], behavior: SplitBehavior) => {
  switch (behavior) {
    case 'Removed':
      return segments.filter((segment) => !segment.isMatch)
    case 'Isolated':
      return segments
    case 'MergedWithPrevious':
      return mergeWithPrevious(segments)
    case 'MergedWithNext':
      return mergeWithNext(segments)
    case 'Contiguous':
      return mergeContiguous(segments)
  }
}

export type Splitter = {
  /** With the flags g and u. */
  readonly pattern: RegExp
  readonly behavior: SplitBehavior
  /** What the pattern does not match counts as the match. */
  readonly invert?: boolean
}

/** The parts of a text in order, none empty, with the place where each begins. */
export const splitText = (
  text: string,
  { pattern, behavior, invert = false }: Splitter,
): { readonly text: string; readonly start: number }[] =>
  applyBehavior(findSegments(text, pattern, invert), behavior)
    .filter(({ start, end }) => start < end)
    .map(({ start, end }) => ({ text: text.slice(start, end), start }))
