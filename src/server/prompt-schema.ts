import * as v from 'valibot'
import { integerWithin, list, string } from './lax-types.ts'

const ids = list(integerWithin({ least: 0 }))
const severalPrompts = [list(string), list(ids)]

/**
 * The prompts of a completion: a text, token ids, or a list of one of them. A prompt of no such kind is
 * told as pydantic tells it of the first kind it tries, which is ids.
 */
export const prompts = v.pipe(
  v.unknown(),
  v.rawTransform<unknown, readonly (string | readonly number[])[]>(
    ({ dataset: { value }, addIssue, NEVER }) => {
      if (typeof value === 'string') return [value]
      for (const schema of severalPrompts) {
        const result = v.safeParse(schema, value)
        if (result.success) return result.output
      }
      const result = v.safeParse(ids, value)
      if (result.success) return [result.output]
      for (const { message, input, path } of result.issues) {
        addIssue({ message, input, ...(path ? { path } : {}) })
      }
      return NEVER
    },
  ),
)
