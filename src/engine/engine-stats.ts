import { blockSize } from './block-manager.ts'
import type { EngineStats } from './generation.ts'
import type { Scheduler } from './scheduler.ts'
import type { Sequence } from './sequence.ts'

type SchedulingStats = Pick<
  EngineStats,
  | keyof Scheduler['stats']
  | 'numRunning'
  | 'numWaiting'
  | 'blockSize'
  | 'numBlocks'
  | 'numFreeBlocks'
  | 'blocks'
  | 'requests'
>

const describeRequest = (sequence: Sequence): EngineStats['requests'][number] => ({
  requestId: sequence.requestId,
  status: sequence.status === 'running' ? 'running' : 'waiting',
  numPromptTokens: sequence.numPromptTokens,
  numComputedTokens: sequence.numComputedTokens,
  numOutputTokens: sequence.numOutputTokens,
  numBlocks: sequence.blockTable.length,
})

/** The part of the engine's statistics that the scheduler knows. */
export const describeEngine = (scheduler: Scheduler): SchedulingStats => {
  const { blocks, running, waiting } = scheduler
  const holders = Array.from({ length: blocks.numBlocks }, (): string[] => [])
  for (const sequence of running) {
    for (const blockId of sequence.blockTable) holders[blockId]?.push(sequence.requestId)
  }
  return {
    ...scheduler.stats,
    numRunning: running.length,
    numWaiting: waiting.length,
    blockSize,
    numBlocks: blocks.numBlocks,
    numFreeBlocks: blocks.numFreeBlocks,
    blocks: holders.map((requestIds, id) => ({ requestIds, cached: blocks.isCached(id) })),
    requests: [...running, ...waiting].map(describeRequest),
  }
}
