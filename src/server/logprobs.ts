import type { TokenLogprobs } from '../engine/generation.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { createTokenTexts } from './token-text.ts'

/** JSON has no infinity; OpenAI and vLLM write this instead. */
const smallestLogprob = -9999

const finite = (logprob: number): number => Math.max(logprob, smallestLogprob)

type Alternative = { readonly tokenId: number; readonly logprob: number }

/** As in vLLM, the token itself comes first, whatever its rank; each token comes once. */
const alternatives = ({ tokenId, logprob, top }: TokenLogprobs): readonly Alternative[] => [
  { tokenId, logprob },
  ...top.filter((other) => other.tokenId !== tokenId),
]

/**
 * Writes the log probabilities of one choice, piece by piece in the order of its tokens. However
 * the tokens are divided into pieces, the pieces joined are the same.
 */
export type LogprobsWriter<Entry, Written extends object = object> = (
  entries: readonly Entry[],
) => Written

export type ChatLogprob = {
  readonly token: string
  readonly logprob: number
  readonly bytes: readonly number[]
  readonly top_logprobs: readonly Omit<ChatLogprob, 'top_logprobs'>[]
}

/** The field `logprobs` of a chat's choice. */
export type ChatLogprobs = { readonly content: readonly ChatLogprob[] }

export type LogprobsFormat = {
  readonly tokenizer: Tokenizer
  /** `return_tokens_as_token_ids`. */
  readonly asTokenIds: boolean
  /** Alternatives to list for each token. */
  readonly numTop: number
}

const nameOf = (tokenId: number, text: string, { asTokenIds }: LogprobsFormat): string =>
  asTokenIds ? `token_id:${tokenId}` : text

/** `{content: [{token, logprob, bytes, top_logprobs}]}`, as in chat replies. */
export const createChatLogprobs = (
  format: LogprobsFormat,
): LogprobsWriter<TokenLogprobs, ChatLogprobs> => {
  const encoder = new TextEncoder()
  const texts = createTokenTexts(format.tokenizer)
  const describe = ({ tokenId, logprob }: Alternative) => {
    const text = texts.textOf(tokenId)
    const token = nameOf(tokenId, text, format)
    return { token, logprob: finite(logprob), bytes: [...encoder.encode(text)] }
  }
  return (entries) => ({
    content: entries.map((entry) => {
      const top = alternatives(entry).slice(0, format.numTop).map(describe)
      const described = { ...describe(entry), top_logprobs: top }
      texts.advance(entry.tokenId)
      return described
    }),
  })
}

/** A token of a completion; the first one of an echoed prompt has no log probability. */
export type CompletionToken = TokenLogprobs | { readonly tokenId: number; readonly logprob: null }

/**
 * `{text_offset, token_logprobs, tokens, top_logprobs}`, as in text completions. Offsets count the
 * characters (code points) of the tokens before, from the beginning of the choice.
 */
export const createCompletionLogprobs = (
  format: LogprobsFormat,
): LogprobsWriter<CompletionToken> => {
  const texts = createTokenTexts(format.tokenizer)
  const nameAt = (tokenId: number) => nameOf(tokenId, texts.textOf(tokenId), format)
  let offset = 0
  const listTop = (entry: CompletionToken) =>
    entry.logprob === null
      ? null
      : Object.fromEntries(
          // One more than was asked for: the token itself stands besides the most likely ones.
          alternatives(entry)
            .slice(0, format.numTop + 1)
            .map(({ tokenId, logprob }) => [nameAt(tokenId), finite(logprob)]),
        )
  const describe = (entry: CompletionToken) => {
    const token = nameAt(entry.tokenId)
    const logprob = entry.logprob === null ? null : finite(entry.logprob)
    const described = { offset, token, logprob, top: listTop(entry) }
    texts.advance(entry.tokenId)
    offset += Array.from(token).length
    return described
  }
  return (entries) => {
    const described = entries.map(describe)
    return {
      text_offset: described.map((entry) => entry.offset),
      token_logprobs: described.map((entry) => entry.logprob),
      tokens: described.map((entry) => entry.token),
      top_logprobs: described.map((entry) => entry.top),
    }
  }
}

/** vLLM's `prompt_logprobs`: for each token of the prompt null or what stands in its place, by id. */
export const describePromptLogprobs = (
  promptTokenIds: readonly number[],
  promptLogprobs: readonly (TokenLogprobs | null)[],
  tokenizer: Tokenizer,
): readonly (object | null)[] => {
  const texts = createTokenTexts(tokenizer)
  return promptLogprobs.map((entry, position) => {
    const describe = ({ tokenId, logprob }: Alternative, rank: number) =>
      [tokenId, { logprob: finite(logprob), rank, decoded_token: texts.textOf(tokenId) }] as const
    const listed = entry && [
      describe(entry, entry.rank),
      ...entry.top.map((other, index) => describe(other, index + 1)),
    ]
    texts.advance(promptTokenIds[position] ?? 0)
    return listed && Object.fromEntries(listed)
  })
}

/** Keeps what the choices of a reply have not written yet. */
export class PendingLogprobs<Entry, Written extends object = object> {
  readonly #createWriter: (() => LogprobsWriter<Entry, Written>) | null
  readonly #writers = new Map<number, LogprobsWriter<Entry, Written>>()
  readonly #pending = new Map<number, readonly Entry[]>()

  /** @param createWriter A writer for one choice; null where the reply has no log probabilities. */
  constructor(createWriter: (() => LogprobsWriter<Entry, Written>) | null) {
    this.#createWriter = createWriter
  }

  add(index: number, entries: readonly Entry[]): void {
    if (this.#createWriter === null) return
    this.#pending.set(index, [...(this.#pending.get(index) ?? []), ...entries])
  }

  /** The field `logprobs` of a choice: all that was added since it was last taken. */
  take(index: number): Written | null {
    if (this.#createWriter === null) return null
    const write = this.#writers.get(index) ?? this.#createWriter()
    this.#writers.set(index, write)
    const entries = this.#pending.get(index) ?? []
    this.#pending.delete(index)
    return write(entries)
  }
}
