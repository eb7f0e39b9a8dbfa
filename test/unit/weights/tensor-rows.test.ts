import { expect, test } from 'vitest'
import { createFolderSource } from '../../../src/node/folder-source.ts'
import { openSafetensors } from '../../../src/weights/safetensors.ts'
import { readTensor } from '../../../src/weights/tensor-reader.ts'
import { withTensorRows } from '../../../src/weights/tensor-rows.ts'
import { indexOf, packedTensor, wordOf } from './packed-fixture.ts'

const name = 'model.layers.0.self_attn.qkv_proj.weight'
const index = await openSafetensors(createFolderSource('test/fixtures/models/tiny-phi3'))

test('rows of a tensor read like a tensor of their own', async () => {
  const part = { tensor: name, firstRow: 96, numRows: 32 }
  const view = withTensorRows(index, (asked) => (asked === 'k' ? part : null))
  const [whole, rows] = [index.get(name), view.get('k')]
  expect(rows.shape).toEqual([32, 96])
  expect(view.has('k')).toBe(true)
  expect(view.get(name)).toBe(whole)
  const bytes = await readTensor(whole)
  expect(await readTensor(rows)).toEqual(bytes.slice(96 * 96 * 2, 128 * 96 * 2))
})

test('rows of a packed matrix stay packed', async () => {
  const tensor = packedTensor('qkv', 'q6_k', [12, 256], 1)
  const part = { tensor: 'qkv', firstRow: 4, numRows: 6 }
  const rows = withTensorRows(indexOf([tensor]), () => part).get('k')
  expect(rows).toMatchObject({ shape: [6, 256], storedBytes: 600, packed: { format: 'q6_k' } })
  const { values, scales } = await rows.packed!.read(1, 2)
  expect([values[0], scales[1]]).toEqual([wordOf(1, 5, 'values', 0), wordOf(1, 6, 'scales', 0)])
})

test('the rows of a vector are its numbers', async () => {
  const norm = 'model.layers.0.input_layernorm.weight'
  const view = withTensorRows(index, () => ({ tensor: norm, firstRow: 10, numRows: 5 }))
  expect(view.get('part').shape).toEqual([5])
  const bytes = await readTensor(index.get(norm))
  expect(await readTensor(view.get('part'))).toEqual(bytes.slice(20, 30))
})

test('rows past the end are refused by the name of the tensor', () => {
  const part = { tensor: name, firstRow: 150, numRows: 32 }
  expect(() => withTensorRows(index, () => part).get('v')).toThrow(/qkv_proj.* 160 rows/)
})
