// `npm run bench`: the starter model in headless Chromium on its software adapter.
// `npm run bench -- --dawn` runs in Node on Dawn instead (VK_ICD_FILENAMES names the driver);
// `--memory` shows what loading large weights holds in JavaScript, in Node on Dawn.
// `--headed` uses the real GPU of a desktop. Any LoadOptions field can follow: `--quantization q4`.
import { readFileSync } from 'node:fs'
import { chromium } from 'playwright'
import { build, createServer, runnerImport } from 'vite'
import { findChromium } from '../environment/chromium.mjs'

const flags = process.argv.slice(2)
const take = (flag) => flags.includes(flag) && flags.splice(flags.indexOf(flag), 1).length > 0
const dawn = take('--dawn')
const headed = take('--headed')
const memory = take('--memory')
const options = { model: '/starter-model/' }
for (let at = 0; at + 1 < flags.length; at += 2) {
  const name = flags[at].replace(/^--/, '').replace(/-(\w)/g, (_, letter) => letter.toUpperCase())
  const value = flags[at + 1]
  options[name] = Number.isNaN(Number(value)) ? value : Number(value)
}

const inChromium = async () => {
  const { chromiumArgs } = (await runnerImport('./vite.config.ts')).module
  const server = await createServer({ mode: 'test', root: '.', server: { port: 0 } })
  await server.listen()
  const browser = await chromium.launch({
    executablePath: findChromium(),
    headless: !headed,
    args: headed ? [] : chromiumArgs,
  })
  try {
    const page = await browser.newPage()
    page.on('pageerror', (error) => console.error(error))
    await page.goto(`http://localhost:${server.httpServer.address().port}/test/bench/index.html`)
    await page.waitForFunction(() => 'runBench' in globalThis)
    return await page.evaluate((given) => globalThis.runBench(given), options)
  } finally {
    await browser.close()
    await server.close()
  }
}

const inNode = async () => {
  await build({ mode: 'library', logLevel: 'warn' })
  const { createEngine } = await import('../../dist/node.js')
  const { module } = await runnerImport('./test/bench/bench.ts')
  const model = 'demo/public/starter-model'
  const config = JSON.parse(readFileSync(`${model}/config.json`, 'utf8'))
  const engine = await createEngine({ ...options, model })
  const { vocab_size: vocabSize, num_hidden_layers: numLayers } = config
  const rows = await module.bench({ ...engine, vocabSize, numLayers })
  return { adapter: (await engine.stats()).adapter, rows }
}

if (memory) {
  const { module } = await runnerImport('./test/bench/memory.ts')
  await module.runMemory()
  process.exit(0)
}
const { adapter, rows } = await (dawn ? inNode() : inChromium())
const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
const date = new Date().toISOString().slice(0, 10)
console.log(`\nquire-llm ${version} on ${adapter}, ${dawn ? 'Dawn in Node' : 'Chromium'}, ${date}`)
console.log(`options: ${JSON.stringify(options)}\n`)
for (const { what, value, unit } of rows) {
  console.log(`${what.padEnd(42)} ${value.toFixed(2).padStart(10)} ${unit}`)
}
process.exit(0)
