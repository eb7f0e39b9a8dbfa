import { expect, it } from 'vitest'
import { toLocalModel } from '../../../src/worker/given-model.ts'

/** As `<input type="file" webkitdirectory>` gives it. */
const picked = (path: string): File => {
  const file = new File(['x'], path.split('/').at(-1)!)
  return Object.defineProperty(file, 'webkitRelativePath', { value: path })
}

it('takes paths along that a File loses on its way to a worker', () => {
  const config = picked('my-model/config.json')
  const pooling = picked('my-model/1_Pooling/config.json')
  expect(toLocalModel([config, pooling])).toEqual({
    name: 'my-model',
    files: [
      { path: 'config.json', file: config },
      { path: '1_Pooling/config.json', file: pooling },
    ],
  })
})

it('takes files that were picked one by one for a folder, and one alone for itself', () => {
  const [config, weights] = ['config.json', 'model.safetensors'].map((name) =>
    Object.defineProperty(new File([], name), 'webkitRelativePath', { value: '' }),
  )
  expect(toLocalModel([config!, weights!])).toMatchObject({
    name: 'local-model',
    files: [{ path: 'config.json' }, { path: 'model.safetensors' }],
  })
  expect(toLocalModel([weights!])).toBe(weights)
  expect(toLocalModel(weights!)).toBe(weights)
  expect(toLocalModel('owner/name')).toBe('owner/name')
})

it('refuses an empty list', () => {
  expect(() => toLocalModel([])).toThrow(/empty list of files/)
})
