import { EngineError } from '../errors.ts'

/** The error that everything in flight on a lost device ends with. */
export const deviceLost = (reason: string, cause?: unknown): EngineError =>
  new EngineError('device-lost', `The GPU device was lost (${reason}).`, { cause })

/**
 * Does `work` and then throws what WebGPU, which reports out of band, has found wrong with it:
 * a buffer that could not be allocated looks like any other until its error scope is asked.
 *
 * @throws EngineError `device-lost`, `out-of-memory`, what `work` throws, or `internal` for a call
 * that WebGPU refused; the first of them, since each brings those after it about.
 */
export const inErrorScopes = async <Result>(
  device: GPUDevice,
  work: () => Result | Promise<Result>,
): Promise<Result> => {
  let lost: GPUDeviceLostInfo | undefined
  void device.lost.then((info) => (lost = info))
  device.pushErrorScope('out-of-memory')
  device.pushErrorScope('validation')
  const [outcome] = await Promise.allSettled([(async () => work())()])
  // A stack: what was pushed last is asked first. A lost device may answer null or refuse to.
  const popped = [device.popErrorScope(), device.popErrorScope()]
  const [refused, memory] = await Promise.all(popped.map((scope) => scope.catch(() => null)))
  if (lost) throw deviceLost(lost.message || lost.reason)
  if (memory) {
    throw new EngineError('out-of-memory', `The GPU ran out of memory: ${memory.message}`)
  }
  if (outcome.status === 'rejected') throw outcome.reason
  if (refused) throw new EngineError('internal', `WebGPU refused a call: ${refused.message}`)
  return outcome.value
}
