import type { TokenLogprobs } from '../engine/generation.ts'
import type { OutputDelta } from '../parsers/output-delta.ts'
import { type ChatReply, wantedDeltas } from './chat-reply.ts'
import { type ChatLogprob, type ChatLogprobs, PendingLogprobs } from './logprobs.ts'
import type { ChoiceEnd } from './token-reader.ts'

/** A run of one kind in an answer. */
export type ReplyBlock =
  | { readonly kind: 'reasoning' }
  | { readonly kind: 'text' }
  | { readonly kind: 'call'; readonly id: string; readonly name: string }

type OfBlock = { readonly index: number; readonly block: ReplyBlock }
type Piece = {
  readonly text: string
  /** Of text alone, where the request asks for them. */
  readonly logprobs: readonly ChatLogprob[]
}

export type BlockEvent =
  /** The engine has answered for the first time. */
  | { readonly type: 'start' }
  | (OfBlock & { readonly type: 'open' })
  | (OfBlock & Piece & { readonly type: 'delta' })
  /** With all of the block's text, and the log probabilities of what followed it unseen. */
  | (OfBlock & Piece & { readonly type: 'close' })
  | {
      readonly type: 'end'
      readonly end: ChoiceEnd
      readonly hasCalls: boolean
    }

/** The block that a delta belongs to; null where it goes on with the open one. */
const blockOf = (delta: OutputDelta, open: ReplyBlock | null): ReplyBlock | null => {
  const { reasoning, toolCall } = delta
  if (toolCall) {
    const { id, name } = toolCall
    return name === undefined ? null : { kind: 'call', id: id ?? '', name }
  }
  const kind = reasoning === undefined ? 'text' : 'reasoning'
  return open?.kind === kind ? null : { kind }
}

const textOf = ({ reasoning, content, toolCall }: OutputDelta): string =>
  reasoning ?? content ?? toolCall?.arguments ?? ''

/** Keeps the one block that is open, and the log probabilities that its text is to carry. */
class OpenBlock {
  readonly #logprobs: PendingLogprobs<TokenLogprobs, ChatLogprobs>
  #index = -1
  #block: ReplyBlock | null = null
  #text = ''
  #written: ChatLogprob[] = []

  constructor(createLogprobs: ChatReply['createLogprobs']) {
    this.#logprobs = new PendingLogprobs(createLogprobs)
  }

  /** The tokens behind the next deltas. What only reasoning or calls came of is dropped. */
  expect(logprobs: readonly TokenLogprobs[], deltas: readonly OutputDelta[]): void {
    this.#logprobs.add(0, logprobs)
    const saysOther = deltas.length > 0 && deltas.every(({ content }) => content === undefined)
    if (saysOther) this.#logprobs.take(0)
  }

  #takeLogprobs(): readonly ChatLogprob[] {
    if (this.#block?.kind !== 'text') return []
    const taken = this.#logprobs.take(0)?.content ?? []
    this.#written.push(...taken)
    return taken
  }

  *add(delta: OutputDelta): Generator<BlockEvent> {
    const next = blockOf(delta, this.#block)
    if (next) {
      yield* this.close()
      this.#index += 1
      this.#block = next
      this.#text = ''
      this.#written = []
      yield { type: 'open', index: this.#index, block: next }
    }
    const text = textOf(delta)
    if (text === '' || !this.#block) return
    this.#text += text
    const logprobs = this.#takeLogprobs()
    yield { type: 'delta', index: this.#index, block: this.#block, text, logprobs }
  }

  *close(): Generator<BlockEvent> {
    if (!this.#block) return
    const closed = { index: this.#index, block: this.#block, text: this.#text }
    yield { type: 'close', ...closed, logprobs: this.#written }
    this.#block = null
  }

  *end(): Generator<BlockEvent> {
    this.#takeLogprobs()
    yield* this.close()
  }
}

/**
 * A chat's only answer as a sequence of blocks, one open at a time, in the order in which the model
 * writes them: what the protocols besides OpenAI's completions tell.
 *
 * @throws EngineError what ends the request.
 */
export async function* replyBlocks(reply: ChatReply): AsyncGenerator<BlockEvent> {
  const open = new OpenBlock(reply.createLogprobs)
  let started = false
  let hasCalls = false
  for await (const output of reply.outputs) {
    reply.tally.add(output)
    if (!started) yield { type: 'start' }
    started = true
    const deltas = wantedDeltas(reply, output)
    open.expect(output.logprobs, deltas)
    for (const delta of deltas) {
      hasCalls ||= delta.toolCall !== undefined
      yield* open.add(delta)
    }
    const { end } = output
    if (!end) continue
    yield* open.end()
    yield { type: 'end', end, hasCalls }
  }
}
