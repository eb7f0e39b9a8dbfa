import { allCodePoints } from './code-points.ts'
import { choiceOf, type RegexBranch, type RegexNode, sequenceOf } from './regex-parser.ts'

/** Numbers of characters, both ends inclusive, `max` null for any. */
export type Length = { readonly min: number; readonly max: number | null }

export const anyLength: Length = { min: 0, max: null }

/** As a {@link Length}, `most` infinite for any. */
type Span = { readonly least: number; readonly most: number }

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

const spanOf = (node: RegexNode): Span => {
  switch (node.kind) {
    case 'set':
      return { least: 1, most: 1 }
    case 'sequence': {
      const spans = node.parts.map(spanOf)
      return {
        least: sum(spans.map(({ least }) => least)),
        most: sum(spans.map(({ most }) => most)),
      }
    }
    case 'choice': {
      const spans = node.options.map(spanOf)
      return {
        least: Math.min(...spans.map(({ least }) => least)),
        most: Math.max(...spans.map(({ most }) => most)),
      }
    }
    case 'repeat': {
      const { least, most } = spanOf(node.body)
      return { least: least * node.min, most: most === 0 ? 0 : most * (node.max ?? Infinity) || 0 }
    }
  }
}

const anyText: RegexNode = {
  kind: 'repeat',
  body: { kind: 'set', set: allCodePoints },
  min: 0,
  max: null,
}

/** Counts the nodes that are held to a length: those of repetitions in repetitions multiply. */
type Budget = { nodes: number }

const mostNodes = 5000

/** Longest text of a repetition of parts that vary: a grammar writes out each of them. */
const longestVaried = 256
/** Up to this length, in several ways that cost little. */
const shortText = 64

const countsBetween = (from: number, to: number): readonly number[] => {
  const counts: number[] = []
  for (let count = from; count < to; count += Math.ceil(count / 2)) counts.push(count)
  return [...counts, Math.max(from, to)]
}

/** How many counts the length of a text hangs on. */
const varietyOf = (node: RegexNode): number => {
  switch (node.kind) {
    case 'set':
      return 0
    case 'sequence':
      return sum(node.parts.map(varietyOf))
    case 'choice':
      return Math.max(...node.options.map(varietyOf))
    case 'repeat':
      return varietyOf(node.body) + (node.min === node.max ? 0 : 1)
  }
}

/** Shares of a room: parts that wish for less get it, and leave the rest to the others. */
const shareOut = (
  room: number,
  parts: readonly RegexNode[],
  weigh: (part: RegexNode) => number = varietyOf,
): readonly number[] => {
  const wishes = parts.map((part, at) => {
    const { least, most } = spanOf(part)
    return { at, wish: most - least, weight: Math.max(1, weigh(part)) }
  })
  const varying = wishes.filter(({ wish }) => wish > 0)
  const shares = parts.map(() => 0)
  let left = { room, weight: sum(varying.map(({ weight }) => weight)) }
  const eagerness = ({ wish, weight }: (typeof varying)[number]) => wish / weight
  const byEagerness = varying.toSorted((a, b) => Math.sign(eagerness(a) - eagerness(b)) || 0)
  for (const { at, wish, weight } of byEagerness) {
    const share = Math.min(wish, Math.floor((left.room * weight) / left.weight))
    shares[at] = share
    left = { room: left.room - share, weight: left.weight - weight }
  }
  return shares
}

/** Parts with so much more than their least. */
const withRoom = (
  parts: readonly RegexNode[],
  shares: readonly number[],
  hold: (part: RegexNode, length: number) => RegexNode,
): RegexNode =>
  sequenceOf(parts.map((part, at) => hold(part, spanOf(part).least + (shares[at] ?? 0))))

type Repeat = Extract<RegexNode, { kind: 'repeat' }>

/**
 * Where one repetition varies, few long ones and many short ones are both too many together: so there
 * are several ways, each with a number of repetitions and the length that is left for each.
 */
const shortenRepeat = (node: Repeat, most: number, budget: Budget): RegexNode => {
  const unit = spanOf(node.body)
  if (unit.least > most) return sequenceOf([])
  const isFixed = unit.least === unit.most
  const room = isFixed ? most : Math.min(most, Math.max(longestVaried, unit.least * node.min))
  const atLeast = Math.max(1, node.min, Math.floor(room / unit.most))
  const atMost = Math.min(node.max ?? Infinity, Math.floor(room / Math.max(1, unit.least)))
  const counts = countsBetween(Math.min(atLeast, node.max ?? atLeast), atMost)
  const largest = new Map(counts.map((count) => [Math.floor(room / count), count]))
  return choiceOf(
    [...largest].map(([each, max]) => ({ ...node, body: shorten(node.body, each, budget), max })),
  )
}

/** Texts of a node that are no longer; its shortest one must not be. */
const shorten = (node: RegexNode, most: number, budget: Budget): RegexNode => {
  const span = spanOf(node)
  if (span.most <= most || (budget.nodes -= 1) < 0) return node
  switch (node.kind) {
    case 'set':
      return node
    case 'choice':
      return choiceOf(
        node.options.flatMap((option) =>
          spanOf(option).least > most ? [] : [shorten(option, most, budget)],
        ),
      )
    case 'repeat':
      return shortenRepeat(node, most, budget)
    case 'sequence': {
      const ways = [shareOut(most - span.least, node.parts)]
      if (most <= shortText) ways.push(shareOut(most - span.least, node.parts, () => 1))
      const distinct = new Map(ways.map((shares) => [shares.join(), shares]))
      const hold = (part: RegexNode, length: number) => shorten(part, length, budget)
      return choiceOf([...distinct.values()].map((shares) => withRoom(node.parts, shares, hold)))
    }
  }
}

const lengthenRepeat = (node: Repeat, least: number, budget: Budget): RegexNode => {
  const unit = spanOf(node.body)
  const limit = node.max ?? Infinity
  const atLeast = Math.max(1, node.min, Math.ceil(least / unit.most))
  const atMost = Math.min(limit, Math.ceil(least / Math.max(1, unit.least)))
  const ways = countsBetween(atLeast, atMost).map((min): RegexNode => {
    if (unit.least * min >= least) return { ...node, min }
    const body = lengthen(node.body, Math.ceil(least / min), budget)
    const others: RegexNode = { ...node, min: 0, max: node.max === null ? null : node.max - min }
    return sequenceOf([{ ...node, body, min, max: min }, others])
  })
  return choiceOf(ways)
}

/** Each varying part alone makes up what is missing, or all of them together. */
const lengthenSequence = (
  parts: readonly RegexNode[],
  least: number,
  budget: Budget,
): RegexNode => {
  const spans = parts.map(spanOf)
  const missing = least - sum(spans.map((part) => part.least))
  const wishes = spans.map((part) => part.most - part.least)
  const alone = wishes.flatMap((wish, at) =>
    wish < missing ? [] : [wishes.map((_, other) => (other === at ? missing : 0))],
  )
  const varying = wishes.filter((wish) => wish > 0).length
  const ways = varying === 1 ? alone : [...alone, shareOut(missing, parts)]
  const hold = (part: RegexNode, length: number) => lengthen(part, length, budget)
  return choiceOf(ways.map((shares) => withRoom(parts, shares, hold)))
}

/** Texts of a node that are no shorter; its longest one must not be. */
const lengthen = (node: RegexNode, least: number, budget: Budget): RegexNode => {
  if (spanOf(node).least >= least || (budget.nodes -= 1) < 0) return node
  switch (node.kind) {
    case 'set':
      return node
    case 'choice':
      return choiceOf(
        node.options.flatMap((option) =>
          spanOf(option).most < least ? [] : [lengthen(option, least, budget)],
        ),
      )
    case 'repeat':
      return lengthenRepeat(node, least, budget)
    case 'sequence':
      return lengthenSequence(node.parts, least, budget)
  }
}

/** What of a branch is so long; null where nothing is. */
const holdBranch = (
  branch: RegexBranch,
  { min, max }: Length,
  budget: Budget,
): RegexBranch | null => {
  const { atStart, atEnd, body } = branch
  const own = body.kind === 'sequence' ? body.parts : [body]
  const whole = sequenceOf([...(atStart ? [] : [anyText]), ...own, ...(atEnd ? [] : [anyText])])
  const most = max ?? Infinity
  const span = spanOf(whole)
  if (span.least >= min && span.most <= most) return branch
  if (span.least > most || span.most < min) return null
  const long = lengthen(whole, min, budget)
  if (spanOf(long).least > most) return null
  return { atStart: true, atEnd: true, body: shorten(long, most, budget) }
}

/**
 * Those of the texts that are so long: all of them where one part varies, by how often it is repeated.
 * Where several do, each has a share of the length, and there are fewer texts than match. Null where
 * repetitions in repetitions make too much of it.
 */
export const holdToLength = (
  branches: readonly RegexBranch[],
  length: Length,
): readonly RegexBranch[] | null => {
  const budget: Budget = { nodes: mostNodes }
  const held = branches.map((branch) => holdBranch(branch, length, budget))
  return budget.nodes < 0 ? null : held.filter((branch) => branch !== null)
}
