// A page with an engine of its own, that says when an answer streams.
import { createEngine } from '../../../src/index.ts'
import { endlessChat } from './endless-chat.ts'

const engine = await createEngine({
  model: '/starter-model/',
  worker: () => new Worker(new URL('./held.worker.ts', import.meta.url), { type: 'module' }),
})
const { body } = await endlessChat(engine)
await body!.getReader().read()
new BroadcastChannel('leaving').postMessage('streams')
