import * as v from 'valibot'
import { openObject, string } from './lax-types.ts'

/** Of messages that may say nothing, as calls do. */
const silentRoles: readonly unknown[] = ['assistant', 'function']

const isContent = (content: unknown): boolean =>
  content === undefined || typeof content === 'string' || Array.isArray(content)

/** A message of a chat. What its content's parts and its calls are like is for the template to see. */
export const message = v.pipe(
  openObject({ role: string }, 'dict_type'),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    const { value } = dataset
    const { role, content } = value
    if (isContent(content) || (content === null && silentRoles.includes(role))) return
    const place = { type: 'object', origin: 'value', input: value, key: 'content' } as const
    addIssue({ message: 'string_type', input: content, path: [{ ...place, value: content }] })
  }),
)
