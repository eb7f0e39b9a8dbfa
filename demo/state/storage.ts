import type { Message } from './messages.ts'

export type SavedConversation = {
  readonly id: string
  readonly title: string
  readonly isRenamed: boolean
  readonly color: number
  readonly createdAt: number
  readonly messages: readonly Message[]
}

const databaseName = 'quire-demo'
const storeName = 'conversations'

const settled = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error ?? new Error('IndexedDB failed.')))
  })

let opened: Promise<IDBDatabase> | null = null

const open = (): Promise<IDBDatabase> => {
  opened ??= (() => {
    const request = indexedDB.open(databaseName, 1)
    request.addEventListener('upgradeneeded', () =>
      request.result.createObjectStore(storeName, { keyPath: 'id' }),
    )
    return settled(request)
  })()
  return opened
}

const store = async (mode: IDBTransactionMode): Promise<IDBObjectStore> =>
  (await open()).transaction(storeName, mode).objectStore(storeName)

/** Every saved conversation, the oldest first. @throws DOMException where storage is blocked. */
export const loadConversations = async (): Promise<SavedConversation[]> => {
  const all: SavedConversation[] = await settled((await store('readonly')).getAll())
  return all.toSorted((left, right) => left.createdAt - right.createdAt)
}

export const saveConversation = async (conversation: SavedConversation): Promise<void> => {
  await settled((await store('readwrite')).put(conversation))
}

export const removeConversation = async (id: string): Promise<void> => {
  await settled((await store('readwrite')).delete(id))
}
