import { allCodePoints } from './code-points.ts'
import type { RegexBranch, RegexNode } from './regex-parser.ts'

/** Numbers of characters, both ends inclusive, `max` null for any. */
export type Length = { readonly min: number; readonly max: number | null }

export const anyLength: Length = { min: 0, max: null }

const timesMax = (length: number | null, count: number | null): number | null => {
  if (length === 0 || count === 0) return 0
  return length === null || count === null ? null : length * count
}

const total = (lengths: readonly Length[]): Length =>
  lengths.reduce(
    (sum, { min, max }) => ({
      min: sum.min + min,
      max: sum.max === null || max === null ? null : sum.max + max,
    }),
    { min: 0, max: 0 },
  )

const lengthOf = (node: RegexNode): Length => {
  switch (node.kind) {
    case 'set':
      return { min: 1, max: 1 }
    case 'sequence':
      return total(node.parts.map(lengthOf))
    case 'choice': {
      const lengths = node.options.map(lengthOf)
      const ends = lengths.map(({ max }) => max ?? Infinity)
      const max = Math.max(...ends)
      return { min: Math.min(...lengths.map(({ min }) => min)), max: max === Infinity ? null : max }
    }
    case 'repeat': {
      const { min, max } = lengthOf(node.body)
      return { min: min * node.min, max: timesMax(max, node.max) }
    }
  }
}

const anyText: RegexNode = {
  kind: 'repeat',
  body: { kind: 'set', set: allCodePoints },
  min: 0,
  max: null,
}

const isFixed = ({ min, max }: Length) => min === max

/**
 * What of a branch is so long; null where there is none, undefined where a grammar can't tell. It
 * can where the length is the branch's anyway, or hangs on how often one part is repeated.
 */
const holdBranch = (branch: RegexBranch, { min, max }: Length): RegexBranch | null | undefined => {
  const { atStart, atEnd, body } = branch
  const own = body.kind === 'sequence' ? body.parts : [body]
  const parts = [...(atStart ? [] : [anyText]), ...own, ...(atEnd ? [] : [anyText])]
  const lengths = parts.map(lengthOf)
  const whole = total(lengths)
  if (whole.min >= min && (max === null || (whole.max !== null && whole.max <= max))) return branch
  if ((max !== null && whole.min > max) || (whole.max !== null && whole.max < min)) return null
  const [at, ...others] = [...lengths.keys()].filter((at) => !isFixed(lengths[at] ?? anyLength))
  const part = parts[at ?? -1]
  if (at === undefined || others.length > 0 || part?.kind !== 'repeat') return undefined
  const { min: unit, max: longestUnit } = lengthOf(part.body)
  if (unit !== longestUnit) return undefined
  const fixed = total(lengths.toSpliced(at, 1)).min
  const fewest = Math.max(part.min, Math.ceil((min - fixed) / unit))
  const most = Math.min(
    part.max ?? Infinity,
    max === null ? Infinity : Math.floor((max - fixed) / unit),
  )
  if (fewest > most) return null
  const held = { ...part, min: fewest, max: most === Infinity ? null : most }
  return { atStart: true, atEnd: true, body: { kind: 'sequence', parts: parts.with(at, held) } }
}

/** Those of the texts that are so long; null where a grammar can't hold them to it. */
export const holdToLength = (
  branches: readonly RegexBranch[],
  length: Length,
): readonly RegexBranch[] | null => {
  const held = branches.map((branch) => holdBranch(branch, length))
  return held.includes(undefined) ? null : held.filter((branch) => branch != null)
}
