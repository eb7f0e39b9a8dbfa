import { refuseConstraint } from './refusal.ts'
import { isRecord } from './schema-node.ts'

/** How JSON is laid out; vLLM's options of `structured_outputs`. */
export type JsonOptions = {
  /** One line, with a space behind each comma and colon. */
  readonly disableAnyWhitespace?: boolean
  readonly disableAdditionalProperties?: boolean
  /** A regular expression for the space that may stand between JSON's parts. */
  readonly whitespacePattern?: string | null
}

/** A tool's call in the model's own format: the texts around the JSON of its arguments. */
export type ToolCallSyntax = {
  /** Of the first call, the second, ...; of all where there is but one. Some formats number them. */
  readonly begins: readonly string[]
  /** The JSON schema of the arguments. */
  readonly parameters: unknown
  readonly end: string
}

/** What an output is held to, from its first token to its end. */
export type Constraint =
  | { readonly kind: 'json'; readonly schema: unknown; readonly options: JsonOptions }
  | { readonly kind: 'regex'; readonly pattern: string }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  /** In XGrammar's EBNF, which reads most of GBNF, or in Lark's notation. */
  | { readonly kind: 'grammar'; readonly text: string }
  | { readonly kind: 'structural-tag'; readonly tag: unknown; readonly options: JsonOptions }
  | {
      readonly kind: 'tool-calls'
      readonly calls: readonly ToolCallSyntax[]
      /** Around all calls, and between two of them. */
      readonly open: string
      readonly separator: string
      readonly close: string
      /** One call, rather than one or more. */
      readonly single: boolean
    }

/** A schema given as JSON text or as what it spells. */
export const readSchema = (schema: unknown): unknown => {
  if (typeof schema !== 'string') return schema
  try {
    const parsed: unknown = JSON.parse(schema)
    if (typeof parsed === 'boolean' || isRecord(parsed)) return parsed
  } catch {}
  throw refuseConstraint('The JSON schema is a text that is no JSON object.')
}
