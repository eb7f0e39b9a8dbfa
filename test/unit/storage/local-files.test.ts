import { describe, expect, it } from 'vitest'
import {
  type FolderHandle,
  localModelName,
  openLocalModel,
} from '../../../src/storage/local-files.ts'

const file = (name: string, content: string) => new File([content], name)

type Tree = { readonly [name: string]: string | Tree }

/** A FileSystemDirectoryHandle over plain objects. */
const folderHandle = (name: string, tree: Tree): FolderHandle => ({
  kind: 'directory',
  name,
  values: async function* () {
    for (const [entry, content] of Object.entries(tree)) {
      yield { kind: typeof content === 'string' ? 'file' : 'directory', name: entry }
    }
  },
  getFileHandle: async (entry) => ({
    getFile: async () => {
      const content = tree[entry]
      if (typeof content === 'string') return file(entry, content)
      throw new DOMException('gone', 'NotFoundError')
    },
  }),
  getDirectoryHandle: async (entry) => folderHandle(entry, Object(tree[entry]) as Tree),
})

const refuseAccess = (): never => {
  throw new DOMException('permission was withdrawn', 'NotAllowedError')
}

const model: Tree = {
  'config.json': '{"a":1}',
  'model.safetensors': '0123456789',
  '1_Pooling': { 'config.json': '{"b":2}', deeper: { 'x.json': '{}' } },
}

describe('a folder on disk', () => {
  it('is read in place by range, one level of folders in it too', async () => {
    const source = await openLocalModel(folderHandle('my-model', model))
    expect(source).toMatchObject({ id: 'my-model', ggufFile: null })
    expect(await source.readJson('config.json')).toEqual({ a: 1 })
    expect(await source.readJson('1_Pooling/config.json')).toEqual({ b: 2 })
    expect(await source.has('1_Pooling/deeper/x.json')).toBe(false)
    expect(await source.readText('chat_template.jinja')).toBeNull()
    const weights = await source.open('model.safetensors')
    expect(weights.size).toBe(10)
    expect(new TextDecoder().decode(await weights.read(3, 4))).toBe('3456')
    await expect(weights.read(8, 3)).rejects.toMatchObject({ code: 'invalid-file' })
    await expect(source.open('tokenizer.json')).rejects.toThrow(
      /tokenizer\.json was not found at my-model\/.*config\.json, model\.safetensors/,
    )
    await source.close()
    expect(await source.readJson('config.json')).toEqual({ a: 1 })
  })

  it('may hold a GGUF file instead, whole or in parts', async () => {
    const whole = await openLocalModel(folderHandle('f', { 'a.gguf': 'x', 'notes.txt': '' }))
    expect(whole.ggufFile).toBe('a.gguf')
    const parts = { 'm-00001-of-00002.gguf': 'x', 'm-00002-of-00002.gguf': 'y' }
    const split = await openLocalModel(folderHandle('f', parts))
    expect(split.ggufFile).toBe('m-00001-of-00002.gguf')
    expect((await split.open('m-00002-of-00002.gguf')).size).toBe(1)
  })

  it('with several GGUF models or none is refused with the way out', async () => {
    const both = folderHandle('f', { 'a.gguf': '', 'b.gguf': '' })
    await expect(openLocalModel(both)).rejects.toMatchObject({
      code: 'invalid-request',
      message:
        'f has 2 GGUF models: a.gguf, b.gguf. Pick one of these files instead of the folder.',
    })
    await expect(openLocalModel(folderHandle('f', { 'x.bin': '' }))).rejects.toMatchObject({
      code: 'file-not-found',
      message: expect.stringMatching(/^f has no config\.json and no GGUF file\. Pick/),
    })
  })

  it('that the page may not read any more is told from a broken one', async () => {
    const locked = { ...folderHandle('f', model), values: refuseAccess }
    await expect(openLocalModel(locked)).rejects.toMatchObject({
      code: 'storage',
      message: expect.stringMatching(/^f can't be read .*permission was withdrawn.*pick it once/s),
    })
    const changed = file('a.gguf', 'abc')
    Object.assign(changed, {
      slice: () => ({ arrayBuffer: () => Promise.reject(new Error('the file has changed')) }),
    })
    const weights = await (await openLocalModel(changed)).open('a.gguf')
    await expect(weights.read(0, 1)).rejects.toMatchObject({ code: 'storage' })
  })
})

it('a GGUF file is a model of its own, another file is not', async () => {
  const source = await openLocalModel(file('tiny.gguf', 'GGUF'))
  expect(source).toMatchObject({ id: 'tiny.gguf', ggufFile: 'tiny.gguf' })
  expect((await source.open('tiny.gguf')).size).toBe(4)
  await expect(openLocalModel(file('model.safetensors', ''))).rejects.toMatchObject({
    code: 'invalid-request',
    message: expect.stringMatching(/model\.safetensors.*Pick the folder/),
  })
})

it('picked files are opened by their paths', async () => {
  const files = Object.entries(model).flatMap(([path, content]) =>
    typeof content === 'string' ? [{ path, file: file(path, content) }] : [],
  )
  const source = await openLocalModel({ name: 'picked', files })
  expect(await source.readJson('config.json')).toEqual({ a: 1 })
  expect(localModelName({ name: 'picked', files })).toBe('picked')
})
