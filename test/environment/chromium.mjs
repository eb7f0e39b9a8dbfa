import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chromium } from 'playwright'

const names = ['google-chrome', 'google-chrome-stable', 'chromium', 'chromium-browser']
const macPath = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'

const installed = () => {
  const given = process.env.QUIRE_CHROMIUM ?? process.env.CHROME_PATH
  if (given) return given
  for (const name of names) {
    const found = spawnSync('which', [name], { encoding: 'utf8' })
    if (found.status === 0) return found.stdout.trim()
  }
  if (existsSync(macPath)) return macPath
  const own = chromium.executablePath()
  return existsSync(own) ? own : null
}

const run = (command, ...parameters) =>
  spawnSync(command, parameters, { stdio: 'inherit' }).status === 0

/** The path of a Chrome or Chromium: an installed one, Playwright's, or the system's package. */
export const findChromium = () => {
  const found = installed()
  if (found) return found
  console.log('No Chrome or Chromium found; installing one for the tests.')
  const isRoot = process.getuid?.() === 0
  const hasApt = spawnSync('which', ['apt-get']).status === 0
  const steps = [
    () => run('npx', 'playwright', 'install', 'chromium'),
    () =>
      isRoot && hasApt && run('apt-get', 'update') && run('apt-get', 'install', '-y', 'chromium'),
  ]
  // The package manager brings the libraries that a bare machine lacks, so root asks it first.
  for (const step of isRoot && hasApt ? steps.toReversed() : steps) {
    if (step()) {
      const path = installed()
      if (path) return path
    }
  }
  throw new Error(
    'The tests need Chrome or Chromium. Install one, or set QUIRE_CHROMIUM to its path.',
  )
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  execFileSync(findChromium(), ['--version'], { stdio: 'inherit' })
}
