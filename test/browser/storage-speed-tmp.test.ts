import { expect, test } from 'vitest'
import { openStorageRoot } from '../../src/storage/directory.ts'
import { createHttp } from '../../src/storage/http.ts'
import { createModelStore } from '../../src/storage/model-store.ts'
import { downloadFile } from '../../src/storage/resumable-download.ts'
import { openStoredFiles } from '../../src/storage/stored-file.ts'
test('speed', async () => {
  const root = (await openStorageRoot())!
  const store = createModelStore(root, navigator.storage)
  const folder = await store.begin('speed')
  const size = 256 * 1024 * 1024
  const piece = new Uint8Array(65536).map((_, i) => i * 7)
  const fake: typeof fetch = async () => { let n = 0; return new Response(new ReadableStream({ pull(c) { if (n >= size) return c.close(); c.enqueue(piece.slice()); n += piece.length } })) }
  let t = performance.now()
  const stored = await downloadFile({ folder, file: { name: 'w', url: 'x:', size, version: 'v', sha256: null }, http: createHttp({ fetch: fake }) })
  const mb = size / 1e6
  console.log('download', mb / (performance.now() - t) * 1000, 'MB/s')
  const [file] = openStoredFiles(folder, [stored], async () => { throw new Error('x') })
  for (const pass of ['first', 'again']) {
    t = performance.now()
    for (let o = 0; o < size; o += 8388608) await file!.read(o, 8388608)
    console.log(pass, mb / (performance.now() - t) * 1000, 'MB/s')
  }
  await store.delete('speed'); expect(1).toBe(1)
})
