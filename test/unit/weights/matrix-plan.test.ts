import { expect, test } from 'vitest'
import { planMatrix, type FormatOptions } from '../../../src/weights/matrix-plan.ts'
import type { TensorInfo } from '../../../src/weights/safetensors.ts'
import { packedTensor, plainTensor } from './packed-fixture.ts'

const formatsOf = (
  groups: readonly (readonly TensorInfo[])[],
  options: Partial<FormatOptions> = {},
): string[] =>
  planMatrix(groups, { quantization: 'stored', dtype: 'auto', ...options }).groups.map(
    ({ format, isPacked }) => (isPacked ? `packed ${format}` : format),
  )

const gate = packedTensor('gate', 'q4_k', [4, 256], 1)
const up = packedTensor('up', 'q4_k', [4, 256], 2)
const otherUp = packedTensor('up', 'q5_k', [4, 256], 3)

test('what is quantised in its file stays so, unless asked for otherwise', () => {
  expect(formatsOf([[gate], [otherUp]])).toEqual(['packed q4_k', 'packed q5_k'])
  expect(formatsOf([[gate, up]])).toEqual(['packed q4_k'])
  expect(formatsOf([[gate], [otherUp]], { quantization: 'q4' })).toEqual(['q4', 'q4'])
  expect(formatsOf([[packedTensor('q', 'q4', [4, 64], 1)]], { quantization: 'q4' })).toEqual([
    'packed q4',
  ])
  expect(formatsOf([[gate]], { quantization: 'none' })).toEqual(['f32'])
  expect(formatsOf([[gate]], { quantization: 'none', dtype: 'f16' })).toEqual(['f16'])
})

test('rows in turn of different formats are brought to q8', () => {
  expect(formatsOf([[gate, otherUp]])).toEqual(['q8'])
  expect(formatsOf([[gate, plainTensor('up', 'F16', [4, 256])]])).toEqual(['q8'])
})

test('each plain tensor has its own precision', () => {
  const matrices = (['F32', 'F16', 'BF16'] as const).map((dtype) => [
    plainTensor(dtype, dtype, [2, 8]),
  ])
  expect(formatsOf(matrices)).toEqual(['f32', 'f16', 'f16'])
  expect(formatsOf([matrices.flat()])).toEqual(['f32'])
  expect(formatsOf([[plainTensor('odd', 'F16', [2, 6])]])).toEqual(['f32'])
})

test('vocabularies keep eight bits, and columns that are no whole blocks stay numbers', () => {
  const head = plainTensor('lm_head.weight', 'F16', [9, 64])
  expect(formatsOf([[head]], { quantization: 'q4' })).toEqual(['q8'])
  expect(formatsOf([[plainTensor('a', 'F16', [9, 40])]], { quantization: 'q4' })).toEqual(['f16'])
})

test('neighbours of one format are one run', () => {
  const plan = planMatrix([[gate, up], [gate], [otherUp]], {
    quantization: 'stored',
    dtype: 'auto',
  })
  expect(plan.runs).toEqual([
    { format: 'q4_k', firstRow: 0, numRows: 12 },
    { format: 'q5_k', firstRow: 12, numRows: 4 },
  ])
})

test.each<[string, readonly (readonly TensorInfo[])[], RegExp]>([
  [
    'other columns',
    [[gate], [plainTensor('wide', 'F16', [4, 512])]],
    /wide \[4, 512\].*gate.*columns/,
  ],
  ['other rows', [[gate, plainTensor('tall', 'F16', [5, 256])]], /tall \[5, 256\].*gate.*rows/],
  ['a vector', [[plainTensor('norm', 'F32', [256])]], /norm has the shape \[256\]/],
  ['no rows', [[plainTensor('none', 'F32', [0, 256])]], /none has the shape/],
])('refuses %s', (_, groups, message) => {
  expect(() => formatsOf(groups)).toThrow(message)
  expect(() => formatsOf(groups)).toThrow(expect.objectContaining({ code: 'invalid-file' }))
})
