import { refuseConstraint } from './refusal.ts'

/** Literals, classes, counts, names, and the rest one character each. */
const token = /"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]|\{\d+(?:,\d*)?\}|#.*|[\w.-]+|\s+|[^]/gu

/** A repetition of one thing costs no more than this, however often it is repeated. */
const mostOfOne = 200
const mostPlaces = 50_000

const timesOf = (counts: string): number =>
  Math.max(1, ...counts.slice(1, -1).split(',').map(Number))

/**
 * Refuses a grammar of which XGrammar would write out too many repetitions: those of groups, and of
 * groups in groups, are copies.
 *
 * @throws EngineError `invalid-request`.
 */
export const checkEbnfSize = (text: string): void => {
  /** Places so far: of the rules, then of each open group. */
  const sizes = [0]
  let last = 0
  const add = (size: number) => {
    sizes[sizes.length - 1] = (sizes.at(-1) ?? 0) + size
    last = size
  }
  for (const [part] of text.matchAll(token)) {
    if (part.startsWith('{') && part.length > 1) {
      const times = timesOf(part)
      add(last === 1 ? Math.min(times, mostOfOne) : last * (times - 1))
    } else if (part === '(') sizes.push(0)
    else if (part === ')' && sizes.length > 1) add(sizes.pop() ?? 0)
    else if (/^["[\w.-]/.test(part)) add(1)
    if (last > mostPlaces) {
      throw refuseConstraint(
        `The grammar repeats so much that it has more than ${mostPlaces} places. Lower its counts.`,
      )
    }
  }
}
