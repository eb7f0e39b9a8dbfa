import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect: unknown = runInNewContext('gc')

/** Bytes of ArrayBuffers that JavaScript still reaches: what does not is collected first. */
const liveBytes = (): number => {
  if (typeof collect !== 'function') throw new Error('this Node can not expose its collector')
  // Twice: V8 frees what the first one finds in the background, and is done before the second.
  for (let i = 0; i < 2; i++) Reflect.apply(collect, undefined, [])
  return process.memoryUsage().arrayBuffers
}

/** The most bytes in ArrayBuffers at a call of `sample`, above those that were there from the start. */
export const createMemoryMeter = () => {
  const start = liveBytes()
  let highest = 0
  let numSamples = 0
  return {
    sample: () => {
      highest = Math.max(highest, liveBytes() - start)
      numSamples++
    },
    highest: () => highest,
    numSamples: () => numSamples,
  }
}
