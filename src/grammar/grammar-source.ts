import type { Constraint, JsonOptions } from './constraint.ts'
import { checkEbnfSize } from './ebnf-size.ts'
import { wholeMatch } from './regex-grammar.ts'
import { refuseConstraint } from './refusal.ts'
import { compactLayout, freeLayout, type JsonLayout, layoutWith } from './json-grammar.ts'
import { isLark, larkToEbnf } from './lark-grammar.ts'
import { choice, literal, repeat, Rules, sequence } from './rules.ts'
import { schemaBody, type SchemaOptions, schemaToEbnf } from './schema-grammar.ts'
import { toStructuralTag } from './structural-tag.ts'

/** What XGrammar compiles. */
export type GrammarSource = { readonly kind: 'ebnf' | 'structural-tag'; readonly text: string }

/** Longest text of a constraint, in UTF-16 units: compiling blocks the worker. */
const maxSourceLength = 1 << 18

const layoutOf = ({ disableAnyWhitespace, whitespacePattern }: JsonOptions): JsonLayout => {
  if (disableAnyWhitespace) return compactLayout
  if (whitespacePattern == null) return freeLayout
  return layoutWith(wholeMatch(whitespacePattern))
}

const schemaOptions = (options: JsonOptions): SchemaOptions => {
  const { disableAdditionalProperties = false, whitespacePattern } = options
  // What a pattern matches must be white space, whatever it is written for.
  if (whitespacePattern != null && !/^(\s|\\[nrts]|[[\](){}*+?|,\d-])*$/.test(whitespacePattern)) {
    throw refuseConstraint('`whitespace_pattern` must match nothing but white space.')
  }
  return { layout: layoutOf(options), disableAdditionalProperties }
}

const toolCallsToEbnf = (constraint: Extract<Constraint, { kind: 'tool-calls' }>): string => {
  const { calls, open, separator, close, single } = constraint
  const rules = new Rules()
  const bodies = calls.map(({ begins, parameters, end }, at) => {
    const path = `tools[${at}].function.parameters`
    const body = schemaBody(parameters, rules, { layout: freeLayout }, path)
    const call = rules.add('arguments', body)
    return { begins, rest: sequence([call, literal(end)]) }
  })
  const callAt = (index: number) =>
    rules.shared(`call_${index}`, () =>
      choice(
        bodies.map(({ begins, rest }) =>
          sequence([literal(begins[index] ?? begins[0] ?? ''), rest]),
        ),
      ),
    )
  const next = (index: number) => sequence([literal(separator), callAt(index)])
  const mostNumbered = Math.max(...calls.map(({ begins }) => begins.length))
  const numbered = (index: number): string =>
    index < mostNumbered ? `(${sequence([next(index), numbered(index + 1)])})?` : ''
  const more = mostNumbered > 1 ? numbered(1) : repeat(next(0), 0, null)
  return rules.text(sequence([literal(open), callAt(0), single ? '' : more, literal(close)]))
}

const convert = (constraint: Constraint): GrammarSource => {
  switch (constraint.kind) {
    case 'json':
      return {
        kind: 'ebnf',
        text: schemaToEbnf(constraint.schema, schemaOptions(constraint.options)),
      }
    case 'regex':
      return { kind: 'ebnf', text: new Rules().text(wholeMatch(constraint.pattern)) }
    case 'choice':
      return { kind: 'ebnf', text: new Rules().text(choice(constraint.choices.map(literal))) }
    case 'grammar':
      return {
        kind: 'ebnf',
        text: isLark(constraint.text) ? larkToEbnf(constraint.text) : constraint.text,
      }
    case 'structural-tag': {
      const options = schemaOptions(constraint.options)
      const tag = toStructuralTag(constraint.tag, options)
      return { kind: 'structural-tag', text: JSON.stringify(tag) }
    }
    case 'tool-calls':
      return { kind: 'ebnf', text: toolCallsToEbnf(constraint) }
  }
}

/**
 * The grammar of a constraint.
 *
 * @throws EngineError `invalid-request` for what is wrong, too large, or more than Quire can keep.
 */
export const toGrammarSource = (constraint: Constraint): GrammarSource => {
  const source = convert(constraint)
  if (source.text.length <= maxSourceLength) {
    if (source.kind === 'ebnf') checkEbnfSize(source.text)
    return source
  }
  throw refuseConstraint(
    `The grammar takes ${source.text.length} characters; at most ${maxSourceLength} are possible. ` +
      'Use a simpler schema.',
  )
}
