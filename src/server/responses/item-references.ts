import { quote } from '../../errors.ts'
import { isRecord } from '../lax-types.ts'
import { responsesError } from './request.ts'
import type { ResponseStore } from './store.ts'

const referredItem = (store: ResponseStore | null, id: unknown): object => {
  const item = store?.findItem(id)
  if (item) return item
  const name = quote(id)
  throw responsesError(
    store
      ? `No kept response holds the item ${name}. Send the item itself.`
      : `This engine keeps no responses, so the item ${name} can't be referred to. Send the item ` +
          'itself (many clients do with `store: false`), or set `enableResponsesStore` when ' +
          'creating the engine.',
    'input',
  )
}

/**
 * Input in which the items of kept responses stand in the place of references to them.
 *
 * @throws EngineError a 400 for an item that is not kept.
 */
export const resolveReferences = (
  items: readonly unknown[],
  store: ResponseStore | null,
): readonly unknown[] =>
  items.map((item) =>
    isRecord(item) && item['type'] === 'item_reference' ? referredItem(store, item['id']) : item,
  )
