import { expect, test } from 'vitest'
import { createFolderSource } from '../../../src/node/folder-source.ts'
import { openSafetensors } from '../../../src/weights/safetensors.ts'
import { readTensor } from '../../../src/weights/tensor-reader.ts'
import { withTensorRows } from '../../../src/weights/tensor-rows.ts'

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

test('rows past the end are refused by the name of the tensor', () => {
  const part = { tensor: name, firstRow: 150, numRows: 32 }
  expect(() => withTensorRows(index, () => part).get('v')).toThrow(/qkv_proj.* 160 rows/)
})
