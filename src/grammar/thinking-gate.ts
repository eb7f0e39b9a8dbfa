import { createDetokenizer, type Detokenizer } from '../tokenizer/detokenizer.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { clearBits, setBits } from './token-bits.ts'

/** How a model thinks in front of its answer, which alone is constrained. */
export type Thinking = {
  /** Whether the output begins within the thinking, or may begin it with the start marker. */
  readonly begins: 'thinking' | 'either'
  /** The start marker's token, which opens the thinking where the output may begin it. */
  readonly startId: number | null
  /** Markers behind which the answer begins. */
  readonly ends: readonly string[]
  /** Markers with which the answer begins. */
  readonly endedBy: readonly string[]
  /** Ids that thinking can't hold: those that would end the output, or begin what is ruled out. */
  readonly forbiddenIds: readonly number[]
}

/** Given all ids of an output so far, which may come next; the words are good until the next call. */
export type TokenMask = (outputTokenIds: readonly number[]) => Promise<Uint32Array>

/** Which ids may come next in an answer that begins with `start`, in one token with what was before it. */
export type AnswerMask = (start: string, answerTokenIds: readonly number[]) => Promise<Uint32Array>

/** Looks for the end of the thinking in the text of tokens as they come. */
class EndFinder {
  readonly #thinking: Thinking
  readonly #detokenizer: Detokenizer
  readonly #longest: number
  #tail = ''

  constructor(thinking: Thinking, tokenizer: Tokenizer) {
    this.#thinking = thinking
    this.#detokenizer = createDetokenizer(tokenizer, { skipSpecialTokens: false })
    const lengths = [...thinking.ends, ...thinking.endedBy].map((marker) => marker.length)
    this.#longest = Math.max(0, ...lengths)
  }

  /** The text of the answer that came along with the end; null while there is none. */
  push(tokenId: number): string | null {
    const text = this.#tail + this.#detokenizer.push([tokenId])
    const { ends, endedBy } = this.#thinking
    const starts = [
      ...ends.map((marker) => ({ at: text.indexOf(marker), length: marker.length })),
      ...endedBy.map((marker) => ({ at: text.indexOf(marker), length: 0 })),
    ].filter(({ at }) => at >= 0)
    const first = starts.sort((a, b) => a.at - b.at)[0]
    if (first) return text.slice(first.at + first.length)
    this.#tail = text.slice(-this.#longest)
    return null
  }
}

export type ThinkingGateOptions = {
  readonly answerMask: AnswerMask
  readonly thinking: Thinking
  readonly tokenizer: Tokenizer
  readonly vocabSize: number
}

/** The masks of an output whose answer comes behind thinking, or may do so. */
export class ThinkingGate {
  readonly #answerMask: AnswerMask
  readonly #thinking: Thinking
  readonly #tokenizer: Tokenizer
  readonly #whileThinking: Uint32Array
  #finder: EndFinder
  #numSeen = 0
  /** The answer's beginning and how many ids come before the rest; null while that is open. */
  #answer: { readonly start: string; readonly from: number } | null = null

  constructor(options: ThinkingGateOptions) {
    const { answerMask, thinking, tokenizer, vocabSize } = options
    this.#answerMask = answerMask
    this.#thinking = thinking
    this.#tokenizer = tokenizer
    this.#finder = new EndFinder(thinking, tokenizer)
    this.#whileThinking = new Uint32Array(Math.ceil(vocabSize / 32)).fill(0xffff_ffff)
    clearBits(this.#whileThinking, thinking.forbiddenIds)
  }

  async mask(tokenIds: readonly number[]): Promise<Uint32Array> {
    if (tokenIds.length < this.#numSeen) this.#startOver()
    if (tokenIds.length === 0 && this.#thinking.begins === 'either') return this.#firstMask()
    for (const id of tokenIds.slice(this.#numSeen)) this.#look(id)
    if (this.#answer === null) return this.#whileThinking
    return this.#answerMask(this.#answer.start, tokenIds.slice(this.#answer.from))
  }

  #startOver(): void {
    this.#finder = new EndFinder(this.#thinking, this.#tokenizer)
    this.#numSeen = 0
    this.#answer = null
  }

  /** The answer's own beginnings, and the marker that opens the thinking. */
  async #firstMask(): Promise<Uint32Array> {
    const mask = (await this.#answerMask('', [])).slice()
    const { startId } = this.#thinking
    if (startId !== null) setBits(mask, [startId])
    return mask
  }

  #look(id: number): void {
    this.#numSeen += 1
    if (this.#answer !== null) return
    const { begins, startId } = this.#thinking
    if (this.#numSeen === 1 && begins === 'either' && id !== startId) {
      this.#answer = { start: '', from: 0 }
      return
    }
    const rest = this.#finder.push(id)
    if (rest === null) return
    // Space that shares a token with the marker is none of the answer.
    this.#answer = { start: rest.trimStart(), from: this.#numSeen }
  }
}
