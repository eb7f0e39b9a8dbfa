import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { relative, resolve, sep } from 'node:path'
import type { Plugin } from 'vite'

const workerFile = 'service-worker.js'

/** Files the page can do without: the engine stores the model itself, and nobody runs a map. */
const isLeftOut = (file: string): boolean =>
  file === workerFile || file.endsWith('.map') || file.startsWith('starter-model/')

const listFiles = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, resolve(entry.parentPath, entry.name)).split(sep).join('/'))
    .toSorted()
}

/**
 * Builds `service-worker.ts` to a fixed name and hands it the list of all files of the build, hashed
 * worker and shader chunks included. Reading the finished folder is the one way to see them all.
 */
export const serviceWorkerPlugin = (): Plugin => {
  let outDir = ''
  return {
    name: 'quire-service-worker',
    apply: 'build',
    configResolved: (config) => {
      outDir = resolve(config.root, config.build.outDir)
    },
    buildStart() {
      this.emitFile({ type: 'chunk', id: 'service-worker.ts', fileName: workerFile })
    },
    closeBundle: async () => {
      const files = (await listFiles(outDir)).filter((file) => !isLeftOut(file))
      const hash = createHash('sha256')
      for (const file of files) hash.update(file).update(await readFile(resolve(outDir, file)))
      const version = hash.digest('hex').slice(0, 12)
      const urls = files.map((file) => (file === 'index.html' ? './' : file))
      const path = resolve(outDir, workerFile)
      const code = await readFile(path, 'utf8')
      const list = `const __QUIRE_BUILD__ = ${JSON.stringify({ version, files: urls })};\n`
      await writeFile(path, list + code)
    },
  }
}
