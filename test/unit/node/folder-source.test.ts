import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createFolderSource } from '../../../src/node/folder-source.ts'

let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'quire-'))
  writeFileSync(join(folder, 'config.json'), '{"a": 1}')
  writeFileSync(join(folder, 'broken.json'), '{')
  writeFileSync(
    join(folder, 'weights'),
    Uint8Array.from({ length: 100 }, (_, i) => i),
  )
})

afterAll(() => rmSync(folder, { recursive: true }))

test('reads JSON, text and ranges of bytes', async () => {
  const source = createFolderSource(folder)
  expect(await source.readJson('config.json')).toEqual({ a: 1 })
  expect(await source.readText('chat_template.jinja')).toBeNull()
  const file = await source.open('weights')
  expect(file.size).toBe(100)
  expect([...(await file.read(97, 3))]).toEqual([97, 98, 99])
  await expect(file.read(98, 3)).rejects.toMatchObject({ code: 'invalid-file' })
  await source.close()
})

test('names what is missing or broken', async () => {
  const source = createFolderSource(folder)
  await expect(source.open('model.safetensors')).rejects.toMatchObject({
    code: 'file-not-found',
    message: expect.stringContaining(folder),
  })
  await expect(source.readJson('nothing.json')).rejects.toMatchObject({ code: 'file-not-found' })
  await expect(source.readJson('broken.json')).rejects.toMatchObject({ code: 'invalid-file' })
  await expect(source.open('../../etc/hostname')).rejects.toMatchObject({ code: 'file-not-found' })
})

test('a file that shrank while open is an error, not a hang', async () => {
  const source = createFolderSource(folder)
  writeFileSync(join(folder, 'shrinking'), new Uint8Array(50))
  const file = await source.open('shrinking')
  writeFileSync(join(folder, 'shrinking'), new Uint8Array(10))
  await expect(file.read(0, 50)).rejects.toMatchObject({ code: 'invalid-file' })
  await source.close()
})
