/** A KV block that nothing or something holds, and its links while nothing does. */
export type Block = {
  readonly id: number
  /** Block tables that list this block. */
  referenceCount: number
  /** What the block holds once it is full of known tokens; null before, and without caching. */
  content: BlockContent | null
  /** The queue that holds the block while its reference count is 0. */
  queue: BlockQueue | null
  previous: Block | null
  next: Block | null
}

/** A run of tokens from the start of a sequence to the end of a block, interned. */
export type BlockContent = {
  /** Never used again for other content, so a chain of ids can't collide as hashes could. */
  readonly id: number
  readonly key: string
  /** The blocks that hold this content: sequences that ran side by side each have their own. */
  readonly blocks: Set<Block>
}

/** A doubly linked queue through the blocks themselves: a prefix hit unlinks in O(1). */
export class BlockQueue {
  #first: Block | null = null
  #last: Block | null = null
  #length = 0

  get length(): number {
    return this.#length
  }

  push(block: Block): void {
    block.queue = this
    block.previous = this.#last
    if (this.#last === null) this.#first = block
    else this.#last.next = block
    this.#last = block
    this.#length += 1
  }

  shift(): Block | null {
    const block = this.#first
    if (block !== null) this.remove(block)
    return block
  }

  remove(block: Block): void {
    if (block.previous === null) this.#first = block.next
    else block.previous.next = block.next
    if (block.next === null) this.#last = block.previous
    else block.next.previous = block.previous
    block.queue = null
    block.previous = null
    block.next = null
    this.#length -= 1
  }
}
