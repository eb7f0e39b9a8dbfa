import type { Choice, ChoiceOutput } from './generation-stream.ts'

/** All choices of one reply, running together. */
export type ChoiceSet = {
  /** For one iteration: the outputs of all choices as they come. */
  readonly outputs: AsyncIterable<ChoiceOutput>
  /** Frees every request of the reply at once. */
  readonly abort: () => void
}

export type ChoiceSetOptions = {
  readonly numPrompts: number
  /** Choices a prompt. Choice `promptIndex * n + i` answers that prompt. */
  readonly n: number
  readonly start: (choiceIndex: number) => Choice
}

type Source = { readonly index: number; readonly iterator: AsyncIterator<ChoiceOutput> }
type Arrival = { readonly source: Source; readonly result: IteratorResult<ChoiceOutput> }

/**
 * Starts the first choice of every prompt at once and the others when it has answered for the first
 * time: by then the prompt's blocks are in the prefix cache, so it is computed once.
 *
 * @throws EngineError what starting a first choice throws; none is left running then.
 */
export const startChoices = ({ numPrompts, n, start }: ChoiceSetOptions): ChoiceSet => {
  const running: Choice[] = []
  let aborted = false
  const abort = () => {
    aborted = true
    for (const choice of running) choice.abort()
  }
  const launch = (index: number): Choice => {
    const choice = start(index)
    running.push(choice)
    return choice
  }
  try {
    for (let prompt = 0; prompt < numPrompts; prompt += 1) launch(prompt * n)
  } catch (thrown) {
    abort()
    throw thrown
  }

  async function* outputs(): AsyncGenerator<ChoiceOutput> {
    const pending = new Map<number, Promise<Arrival>>()
    const pull = (source: Source) => {
      const arrival = source.iterator.next().then((result) => ({ source, result }))
      // Deleted first, so that the choice goes to the end of the queue: none starves the others.
      pending.delete(source.index)
      pending.set(source.index, arrival)
    }
    const open = ({ index, outputs }: Choice) =>
      pull({ index, iterator: outputs[Symbol.asyncIterator]() })
    const siblingsToStart = new Set(running.map(({ index }) => index))
    try {
      for (const choice of running) open(choice)
      while (pending.size > 0) {
        const { source, result } = await Promise.race(pending.values())
        if (result.done) {
          pending.delete(source.index)
          continue
        }
        if (siblingsToStart.delete(source.index) && !aborted) {
          for (let sibling = 1; sibling < n; sibling += 1) open(launch(source.index + sibling))
        }
        yield result.value
        pull(source)
      }
    } finally {
      abort()
    }
  }
  return { outputs: outputs(), abort }
}
