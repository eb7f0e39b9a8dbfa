import type { ChoiceOutput } from './generation-stream.ts'

/** Collects the token ids of every choice, for replies that return them. */
export class ChoiceTokens {
  readonly #returned: boolean
  readonly #tokenIds = new Map<number, number[]>()

  constructor(returned: boolean) {
    this.#returned = returned
  }

  add({ index, newTokenIds }: ChoiceOutput): void {
    if (!this.#returned) return
    const known = this.#tokenIds.get(index) ?? []
    known.push(...newTokenIds)
    this.#tokenIds.set(index, known)
  }

  /** The field `token_ids` of a choice. */
  of(index: number): readonly number[] | null {
    return this.#returned ? (this.#tokenIds.get(index) ?? []) : null
  }
}
