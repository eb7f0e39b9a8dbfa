import { expect, test } from 'vitest'
import { ggufFileNames } from '../../../../src/storage/gguf-files.ts'
import { openGgufFiles } from '../../../../src/weights/gguf/split-files.ts'
import { buildGguf, filesSource, type Typed } from './build-gguf.ts'

const count = 3
const nameOf = (part: number) => `tiny-Q8_0-0000${part + 1}-of-00003.gguf`

type Part = { readonly no?: number; readonly count?: number; readonly tensor?: string }

const part = (at: number, { no = at, count: parts = count, tensor = `t${at}` }: Part = {}) =>
  buildGguf({
    metadata: [
      ...(at === 0 ? [['general.name', { string: 'tiny' }] as const] : []),
      ['split.no', { uint16: no }],
      ['split.count', { uint16: parts }],
      ['split.tensors.count', { int32: count }],
    ] satisfies (readonly [string, Typed])[],
    tensors: [{ name: tensor, type: 0, dimensions: [2n], bytes: new Uint8Array(8).fill(at) }],
  })

const files = (broken: Record<number, Part> = {}) =>
  Object.fromEntries([0, 1, 2].map((at) => [nameOf(at), part(at, broken[at])]))

test('the names of all parts follow from the name of one', () => {
  expect(ggufFileNames('a.gguf')).toEqual(['a.gguf'])
  expect(ggufFileNames('a-00001-of-00001.gguf')).toEqual(['a-00001-of-00001.gguf'])
  expect(ggufFileNames(nameOf(2))).toEqual([0, 1, 2].map(nameOf))
})

test.each([0, 1, 2])('opens all parts by the name of part %i', async (at) => {
  const { metadata, tensors } = await openGgufFiles(filesSource(files()), nameOf(at))
  expect(metadata.get('general.name')).toBe('tiny')
  expect(tensors.map(({ name, file }) => [name, file.name])).toEqual(
    [0, 1, 2].map((part) => [`t${part}`, nameOf(part)]),
  )
})

test('a file that is not split', async () => {
  const bytes = buildGguf({ metadata: [['split.count', { uint16: 0 }]] })
  await expect(openGgufFiles(filesSource({ 'a.gguf': bytes }), 'a.gguf')).resolves.toBeDefined()
})

test.each<[string, Record<number, Part>, RegExp]>([
  ['another place', { 1: { no: 2 } }, /part 3 of 3, but its name says 2 of 3/],
  ['another split', { 2: { count: 4 } }, /part 3 of 4, but its name says 3 of 3/],
  ['a tensor twice', { 2: { tensor: 't0' } }, /repeats the tensor t0 of tiny/],
])('refuses parts with %s', async (_, broken, message) => {
  const opened = openGgufFiles(filesSource(files(broken)), nameOf(0))
  await expect(opened).rejects.toMatchObject({
    code: 'invalid-file',
    message: expect.stringMatching(message),
  })
})

test('refuses a renamed part, and one that lacks what it announces', async () => {
  const renamed = openGgufFiles(filesSource({ 'a.gguf': part(0) }), 'a.gguf')
  await expect(renamed).rejects.toThrow(/a\.gguf is part of a model in 3 files.*-00001-of-00003/)
  const alone = openGgufFiles(filesSource({ 'a.gguf': part(0, { count: 1 }) }), 'a.gguf')
  await expect(alone).rejects.toThrow(/have 1 tensors, and it announces 3/)
})
