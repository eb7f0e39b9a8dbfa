import type { Sequence } from './sequence.ts'

/** Whether one sequence has precedence over another: by priority, then by arrival. */
const goesBefore = (sequence: Sequence, other: Sequence): boolean =>
  sequence.priority === other.priority
    ? sequence.arrival < other.arrival
    : sequence.priority < other.priority

/** Puts a sequence where it belongs in a queue that is in order. */
export const insertInOrder = (queue: Sequence[], sequence: Sequence): void => {
  const index = queue.findIndex((other) => goesBefore(sequence, other))
  queue.splice(index === -1 ? queue.length : index, 0, sequence)
}
