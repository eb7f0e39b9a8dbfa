import { clearBits, setBits } from './token-bits.ts'
import { deleteWhenCollected, type Handle, type Matcher, type XGrammar } from './xgrammar-module.ts'

export type TokenMatcherOptions = {
  readonly vocabSize: number
  readonly stopTokenIds: readonly number[]
  /** Ids that are ruled out although their text may fit: other ids can spell it. */
  readonly forbiddenIds: readonly number[]
}

/** Follows one answer through its constraint. */
export class TokenMatcher {
  readonly #xgrammar: XGrammar
  readonly #matcher: Matcher
  readonly #options: TokenMatcherOptions
  /** Stop ids alone: what is left behind an answer that is complete, or has left its constraint. */
  readonly #onlyStops: Uint32Array
  readonly #accepted: number[] = []
  #start = ''
  #isLost = false
  #mask: Uint32Array | null = null

  constructor(xgrammar: XGrammar, grammar: Handle, options: TokenMatcherOptions) {
    this.#xgrammar = xgrammar
    this.#matcher = new xgrammar.GrammarMatcher(grammar, undefined, false, -1)
    this.#options = options
    this.#onlyStops = new Uint32Array(Math.ceil(options.vocabSize / 32))
    setBits(this.#onlyStops, options.stopTokenIds)
    deleteWhenCollected(this, this.#matcher)
  }

  /** A bit for each id, set where it may follow `start` and these ids; good until the next call. */
  mask(start: string, tokenIds: readonly number[]): Uint32Array {
    if (start !== this.#start) this.#restart(start)
    this.#follow(tokenIds)
    if (this.#isLost || this.#matcher.IsTerminated()) return this.#onlyStops
    this.#mask ??= this.#readMask()
    return this.#mask
  }

  /** Goes on from where it is; back to the start only where the answer was cut short. */
  #follow(tokenIds: readonly number[]): void {
    const isLonger = this.#accepted.every((id, index) => id === tokenIds[index])
    if (!isLonger) this.#restart(this.#start)
    for (const id of tokenIds.slice(this.#accepted.length)) {
      this.#accepted.push(id)
      this.#mask = null
      if (this.#isLost || this.#matcher.IsTerminated()) continue
      this.#isLost = !this.#tries(() => this.#matcher.AcceptToken(id, false))
    }
  }

  #restart(start: string): void {
    this.#matcher.Reset()
    this.#start = start
    this.#accepted.length = 0
    this.#mask = null
    this.#isLost = start !== '' && !this.#tries(() => this.#matcher.AcceptString(start, false))
  }

  /** XGrammar aborts on some tokens, such as one without text, where it refuses others. */
  #tries(accept: () => boolean): boolean {
    try {
      return accept()
    } catch {
      return false
    }
  }

  #readMask(): Uint32Array {
    const words = this.#matcher.GetNextTokenBitmask(this.#options.vocabSize)
    const mask = new Uint32Array(this.#xgrammar.vecIntToView(words))
    words.delete()
    clearBits(mask, this.#options.forbiddenIds)
    return mask
  }
}
