const positionRange = 2 ** 31

/**
 * Merges wait in order of their rank, and those of one rank from left to right: a binary heap of
 * numbers, for rank times 2^31 plus position fits 53 bits.
 */
export class MergeQueue {
  /** What the last `pop` took. */
  rank = 0
  position = 0
  readonly #keys: number[] = []

  push(rank: number, position: number): void {
    const keys = this.#keys
    const key = rank * positionRange + position
    let at = keys.length
    while (at > 0) {
      const parentAt = (at - 1) >> 1
      const parent = keys[parentAt] ?? 0
      if (parent <= key) break
      keys[at] = parent
      at = parentAt
    }
    keys[at] = key
  }

  /** False when nothing waits. */
  pop(): boolean {
    const keys = this.#keys
    const top = keys[0]
    const last = keys.pop()
    if (top === undefined || last === undefined) return false
    if (keys.length > 0) this.#sink(last)
    this.rank = Math.floor(top / positionRange)
    this.position = top % positionRange
    return true
  }

  #sink(key: number): void {
    const keys = this.#keys
    let at = 0
    for (;;) {
      let childAt = 2 * at + 1
      let child = keys[childAt]
      if (child === undefined) break
      const right = keys[childAt + 1]
      if (right !== undefined && right < child) {
        childAt += 1
        child = right
      }
      if (child >= key) break
      keys[at] = child
      at = childAt
    }
    keys[at] = key
  }
}
