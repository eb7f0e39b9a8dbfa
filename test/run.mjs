// `npm test`: finds or installs what the tests need, runs every Vitest project and closes with one
// line of totals. Arguments go to Vitest: `npm test -- --project unit`.
import { readFileSync, mkdirSync } from 'node:fs'
import { startVitest } from 'vitest/node'
import { findChromium } from './environment/chromium.mjs'
import { findLavapipe } from './environment/lavapipe.mjs'

const cache = new URL('../.cache/', import.meta.url).pathname
mkdirSync(cache, { recursive: true })
process.env.QUIRE_CHROMIUM = findChromium()
const lavapipe = findLavapipe(cache)
if (lavapipe.icd) process.env.VK_ICD_FILENAMES = lavapipe.icd
else console.log(`Skipping the projects gpu-dawn, node and soak: ${lavapipe.reason}`)

const projectArguments = process.argv.slice(2).filter((argument) => argument !== '--project')
const every = [
  'unit',
  'property',
  'gpu-chromium',
  'browser',
  'pages',
  ...(lavapipe.icd ? ['gpu-dawn', 'node', 'soak'] : []),
]
const report = `${cache}test-report.json`
const vitest = await startVitest('test', [], {
  watch: false,
  project: projectArguments.length > 0 ? projectArguments : every,
  reporters: ['default', 'json'],
  outputFile: { json: report },
})
await vitest.close()
const { numPassedTests, numFailedTests, numPendingTests, success } = JSON.parse(
  readFileSync(report, 'utf8'),
)
// A test file that does not even load counts as a failure too.
const failed = Math.max(numFailedTests, success ? 0 : 1)
console.log(`${numPassedTests} passed, ${failed} failed, ${numPendingTests} skipped`)
process.exit(failed === 0 ? 0 : 1)
