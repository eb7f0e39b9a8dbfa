import type { AnswerPosition, GrammarApi } from './grammar-api.ts'

type Asked = {
  readonly position: AnswerPosition
  readonly resolve: (mask: Uint32Array) => void
  readonly reject: (error: unknown) => void
}

/**
 * Asks for the masks of a step together: its requests ask one by one, but all in one go, and a message
 * each way costs more than most masks.
 */
export const createMaskBatch = (api: Pick<GrammarApi, 'masks'>) => {
  let asked: Asked[] = []
  const flush = async () => {
    const batch = asked
    asked = []
    try {
      const found = await api.masks(batch.map(({ position }) => position))
      for (const [index, { resolve }] of batch.entries()) resolve(found[index] ?? new Uint32Array())
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
  return (position: AnswerPosition): Promise<Uint32Array> =>
    new Promise((resolve, reject) => {
      asked.push({ position, resolve, reject })
      if (asked.length === 1) queueMicrotask(() => void flush())
    })
}
