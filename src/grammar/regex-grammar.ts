import { quote } from '../errors.ts'
import { allCodePoints, type CodePoints, codePointsOf, intersect } from './code-points.ts'
import { refuseConstraint } from './refusal.ts'
import { anyLength, holdToLength, type Length } from './regex-length.ts'
import { parseRegex, type RegexNode } from './regex-parser.ts'
import { choice, literal, oneOf, repeat, sequence } from './rules.ts'

/** How one character out of a set is written; null where none of them can be. */
export type Alphabet = (set: CodePoints) => string | null

/** Characters as they are. */
export const plainText: Alphabet = (set) => oneOf(intersect(set, allCodePoints))

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '\b': 'b',
  '\f': 'f',
  '\n': 'n',
  '\r': 'r',
  '\t': 't',
}

const rawInJson: CodePoints = [
  [0x20, 0x21],
  [0x23, 0x5b],
  [0x5d, 0xd7ff],
  [0xe000, 0x10ffff],
]
const escapedInJson = codePointsOf('"\\').concat([[0, 0x1f]])

/** The escapes of those of some characters that need one: few, since equal beginnings are joined. */
const escapesInJson = (set: CodePoints): string[] => {
  const lasts = new Map<string, string>()
  const codes = intersect(set, escapedInJson).flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
  )
  for (const code of codes) {
    const escape =
      shortEscapes[String.fromCodePoint(code)] ?? `u${code.toString(16).padStart(4, '0')}`
    const start = escape.slice(0, -1)
    lasts.set(start, `${lasts.get(start) ?? ''}${escape.slice(-1)}`)
  }
  return [...lasts].map(([start, ends]) =>
    sequence([literal(`\\${start}`), oneOf(codePointsOf(ends)) ?? '']),
  )
}

/** Characters as a JSON string holds them; escaped only where they must be. */
export const jsonText: Alphabet = (set) => {
  const raw = intersect(set, rawInJson)
  const written = raw.length > 0 ? oneOf(raw) : null
  if (raw.length > 0 && written === null) return null
  const options = [...(written === null ? [] : [written]), ...escapesInJson(set)]
  return options.length === 0 ? null : choice(options)
}

const emit = (node: RegexNode, alphabet: Alphabet, path: string): string => {
  switch (node.kind) {
    case 'set': {
      const written = alphabet(node.set)
      if (written === null) {
        throw refuseConstraint(
          'The regular expression has a class of too many characters beyond ASCII, or of none that can ' +
            'stand here.',
          path,
        )
      }
      return written
    }
    case 'sequence':
      return sequence(node.parts.map((part) => emit(part, alphabet, path)))
    case 'choice':
      return choice(node.options.map((option) => emit(option, alphabet, path)))
    case 'repeat':
      return repeat(emit(node.body, alphabet, path), node.min, node.max)
  }
}

/** The texts that match from end to end, as outputs are constrained. */
export const wholeMatch = (pattern: string, alphabet: Alphabet = plainText, path = ''): string =>
  choice(parseRegex(pattern, path).map(({ body }) => emit(body, alphabet, path)))

/**
 * Texts so long with a match somewhere in them, as JSON Schema's `pattern` means it; null where there
 * is none. All there are, unless a length and several parts vary.
 */
export const matchWithin = (
  pattern: string,
  alphabet: Alphabet,
  path: string,
  length: Length = anyLength,
): string | null => {
  const rest = repeat(alphabet(allCodePoints) ?? '""', 0, null)
  const branches = holdToLength(parseRegex(pattern, path), length)
  if (branches === null) {
    throw refuseConstraint(
      `The regular expression ${quote(pattern)} nests too many repetitions to be held to a length. ` +
        'Leave the length out, or write it into the "pattern", as {1,9} in place of +.',
      path,
    )
  }
  if (branches.length === 0) return null
  return choice(
    branches.map(({ atStart, atEnd, body }) =>
      sequence([atStart ? '' : rest, emit(body, alphabet, path), atEnd ? '' : rest]),
    ),
  )
}
