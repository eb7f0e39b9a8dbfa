import { EngineError } from '../errors.ts'
import { BlockQueue, type Block, type BlockContent } from './block-queue.ts'
import type { Sequence } from './sequence.ts'

/** Tokens in a KV block. */
export const blockSize = 16

export const numBlocksFor = (numTokens: number): number => Math.ceil(numTokens / blockSize)

export type BlockManagerOptions = {
  readonly numBlocks: number
  readonly enablePrefixCaching: boolean
}

/**
 * Hands out the blocks of the paged KV cache and remembers what unused ones still hold.
 *
 * A block is in one of three places: held by block tables (reference count above 0), free (in order
 * of eviction: least recently used first, a sequence's tail before its head), or retiring. A block
 * retires when its last holder lets go while submitted steps may still write it; it becomes free
 * once they have completed. Free and retiring blocks keep their content until they are handed out
 * again, so a later sequence that starts with the same tokens takes them back.
 *
 * The prefix cache maps `parent content | tokens` to content, where the first parent is the cache
 * salt. Contents are interned: equal ids mean equal tokens from the start of the sequence, without
 * trust in a hash. A content lives as long as a block holds it, hence at most `numBlocks` of them.
 */
export class BlockManager {
  #numBlocks = 0
  readonly #enablePrefixCaching: boolean
  #blocks: Block[] = []
  #free = new BlockQueue()
  /** Blocks by the last step that may write them. */
  #retiring = new Map<number, BlockQueue>()
  #contents = new Map<string, BlockContent>()
  #numContentsEver = 0
  #lastCompletedStepId = 0

  constructor({ numBlocks, enablePrefixCaching }: BlockManagerOptions) {
    this.#enablePrefixCaching = enablePrefixCaching
    this.reset(0, numBlocks)
  }

  get numBlocks(): number {
    return this.#numBlocks
  }

  get numFreeBlocks(): number {
    return this.#free.length
  }

  get numRetiringBlocks(): number {
    return [...this.#retiring.values()].reduce((sum, queue) => sum + queue.length, 0)
  }

  /** Starts over with free, empty blocks; `lastStepId` and older steps count as done. */
  reset(lastStepId: number, numBlocks: number): void {
    this.#numBlocks = numBlocks
    this.#blocks = Array.from({ length: numBlocks }, (_, id) => ({
      id,
      referenceCount: 0,
      content: null,
      queue: null,
      previous: null,
      next: null,
    }))
    this.#free = new BlockQueue()
    for (const block of this.#blocks) this.#free.push(block)
    this.#retiring.clear()
    this.#contents.clear()
    this.#lastCompletedStepId = lastStepId
  }

  /**
   * The ids of cached blocks that hold the start of a sequence. At least one token is left to
   * compute, since its logits are needed.
   */
  findCachedPrefix(sequence: Sequence): number[] {
    const blockIds: number[] = []
    if (!this.#enablePrefixCaching) return blockIds
    let parent: BlockContent | null = null
    while ((blockIds.length + 1) * blockSize < sequence.tokenIds.length) {
      const content = this.#contents.get(contentKey(sequence, blockIds.length, parent))
      const [block] = content?.blocks ?? []
      if (content === undefined || block === undefined) break
      blockIds.push(block.id)
      parent = content
    }
    return blockIds
  }

  /**
   * How many free blocks a sequence lacks to hold its first `numTokens` tokens; 0 or less when
   * they fit. `cachedBlockIds` is the prefix that a sequence without blocks would start with.
   */
  numMissingBlocks(sequence: Sequence, numTokens: number, cachedBlockIds: number[] = []): number {
    const held = sequence.blockTable.length + cachedBlockIds.length
    const cachedAndFree = cachedBlockIds.filter((id) => this.#block(id).queue === this.#free)
    return numBlocksFor(numTokens) - held - (this.#free.length - cachedAndFree.length)
  }

  /**
   * Grows a block table until it holds `numTokens` tokens, starting with the cached prefix.
   *
   * @returns false, with nothing changed, when there are too few free blocks.
   */
  allocate(sequence: Sequence, numTokens: number, cachedBlockIds: number[] = []): boolean {
    if (this.numMissingBlocks(sequence, numTokens, cachedBlockIds) > 0) return false
    for (const id of cachedBlockIds) {
      const block = this.#block(id)
      block.queue?.remove(block)
      block.referenceCount += 1
      sequence.blockTable.push(id)
    }
    while (sequence.blockTable.length < numBlocksFor(numTokens)) {
      const block = this.#free.shift()
      if (block === null) throw new EngineError('internal', 'The free list of KV blocks ran dry.')
      this.#forgetContent(block)
      block.referenceCount = 1
      sequence.blockTable.push(block.id)
    }
    return true
  }

  /**
   * Makes the full blocks of a sequence findable. A block counts from the moment its step is
   * submitted, since later steps run after it; a block with tokens that are drawn but not known
   * yet has to wait for them.
   */
  cacheFullBlocks(sequence: Sequence): void {
    if (!this.#enablePrefixCaching) return
    const numTokens = Math.min(sequence.numComputedTokens, sequence.tokenIds.length)
    const numFull = Math.floor(numTokens / blockSize)
    // Full blocks are a prefix of the table, so the first one without content starts the rest.
    let index = numFull
    while (index > 0 && this.#blockAt(sequence, index - 1).content === null) index -= 1
    for (; index < numFull; index++) {
      const parent = index === 0 ? null : this.#blockAt(sequence, index - 1).content
      const block = this.#blockAt(sequence, index)
      block.content = this.#intern(contentKey(sequence, index, parent))
      block.content.blocks.add(block)
    }
  }

  /** Lets go of all blocks of a sequence, last first, so that its tail is evicted before its head. */
  free(sequence: Sequence): void {
    const queue = this.#queueFor(sequence.lastStepId)
    for (const id of sequence.blockTable.toReversed()) {
      const block = this.#block(id)
      block.referenceCount -= 1
      if (block.referenceCount === 0) queue.push(block)
    }
    sequence.blockTable.length = 0
  }

  /** Frees the blocks that only this step and earlier ones could write. */
  completeStep(stepId: number): void {
    this.#lastCompletedStepId = stepId
    for (const [lastStepId, queue] of this.#retiring) {
      if (lastStepId > stepId) continue
      this.#retiring.delete(lastStepId)
      for (let block = queue.shift(); block !== null; block = queue.shift()) this.#free.push(block)
    }
  }

  /** Forgets all cached prefixes; false, with nothing changed, while a sequence holds blocks. */
  resetPrefixCache(): boolean {
    if (this.#blocks.some((block) => block.referenceCount > 0)) return false
    for (const block of this.#blocks) this.#forgetContent(block)
    return true
  }

  isCached(blockId: number): boolean {
    return this.#block(blockId).content !== null
  }

  /**
   * Checks that every block is in one place, that tables and reference counts agree, that only full
   * blocks are shared, and that cached content is what the tokens say.
   *
   * @param holders All sequences with blocks.
   * @throws EngineError `internal` naming the block.
   */
  checkIntegrity(holders: readonly Sequence[]): void {
    const references = new Map<number, number>()
    for (const sequence of holders) {
      if (sequence.numComputedTokens > sequence.blockTable.length * blockSize) {
        corrupt(`request ${sequence.requestId} has more computed tokens than room in its blocks`)
      }
      sequence.blockTable.forEach((id, index) => {
        references.set(id, (references.get(id) ?? 0) + 1)
        this.#checkContent(sequence, index)
      })
    }
    for (const block of this.#blocks) {
      this.#checkPlace(block, references.get(block.id) ?? 0)
    }
    const numHeld = references.size
    if (numHeld + this.numFreeBlocks + this.numRetiringBlocks !== this.numBlocks) {
      corrupt(`${numHeld} held, ${this.numFreeBlocks} free and ${this.numRetiringBlocks} retiring`)
    }
    this.#checkContents()
  }

  #checkPlace(block: Block, references: number): void {
    if (block.referenceCount !== references) {
      corrupt(`block ${block.id} counts ${block.referenceCount} references, tables ${references}`)
    }
    const unused = block.queue === this.#free || [...this.#retiring.values()].includes(block.queue!)
    if (unused !== (references === 0)) {
      corrupt(`block ${block.id} has ${references} references and is ${unused ? '' : 'not '}unused`)
    }
    if (references > 1 && block.content === null) {
      corrupt(`block ${block.id} is shared by ${references} sequences though not full`)
    }
  }

  #checkContent(sequence: Sequence, index: number): void {
    const block = this.#blockAt(sequence, index)
    if (block.content === null) return
    const parent = index === 0 ? null : this.#blockAt(sequence, index - 1).content
    if (block.content.key !== contentKey(sequence, index, parent)) {
      corrupt(`block ${block.id} of request ${sequence.requestId} is cached under other tokens`)
    }
  }

  #checkContents(): void {
    for (const [id, queue] of this.#retiring) {
      if (id <= this.#lastCompletedStepId && queue.length > 0) {
        corrupt(`blocks still wait for step ${id}, which is done`)
      }
    }
    let numCached = 0
    for (const [key, content] of this.#contents) {
      numCached += content.blocks.size
      const stray = [...content.blocks].find((block) => block.content !== content)
      if (stray !== undefined) corrupt(`the cache lists block ${stray.id} for content it lost`)
      if (content.blocks.size === 0) corrupt(`the cache keeps content ${key} without a block`)
    }
    if (numCached !== this.#blocks.filter((block) => block.content !== null).length) {
      corrupt('a block holds content that the cache does not list')
    }
  }

  #queueFor(lastStepId: number): BlockQueue {
    if (lastStepId <= this.#lastCompletedStepId) return this.#free
    const queue = this.#retiring.get(lastStepId) ?? new BlockQueue()
    this.#retiring.set(lastStepId, queue)
    return queue
  }

  #intern(key: string): BlockContent {
    const known = this.#contents.get(key)
    if (known !== undefined) return known
    const content = { id: this.#numContentsEver, key, blocks: new Set<Block>() }
    this.#numContentsEver += 1
    this.#contents.set(key, content)
    return content
  }

  #forgetContent(block: Block): void {
    const { content } = block
    if (content === null) return
    block.content = null
    content.blocks.delete(block)
    if (content.blocks.size === 0) this.#contents.delete(content.key)
  }

  #blockAt(sequence: Sequence, index: number): Block {
    return this.#block(sequence.blockTable[index])
  }

  #block(id: number | undefined): Block {
    const block = id === undefined ? undefined : this.#blocks[id]
    if (block === undefined) throw new EngineError('internal', `There is no KV block ${id}.`)
    return block
  }
}

/**
 * Names the tokens up to the end of a block. A salt can't be mistaken for an id, and the tokens
 * after the last bar are always `blockSize` numbers, so different prefixes have different keys.
 */
const contentKey = (sequence: Sequence, index: number, parent: BlockContent | null): string => {
  const { cacheSalt, tokenIds } = sequence
  const root = cacheSalt === null ? 'root' : `salt ${cacheSalt}`
  const tokens = tokenIds.slice(index * blockSize, (index + 1) * blockSize)
  return `${parent?.id ?? root}|${tokens.join(',')}`
}

const corrupt = (what: string): never => {
  throw new EngineError('internal', `KV block bookkeeping is wrong: ${what}.`)
}
