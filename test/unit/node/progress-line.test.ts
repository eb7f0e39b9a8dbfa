import { PassThrough } from 'node:stream'
import { afterEach, expect, it, vi } from 'vitest'
import type { LoadProgress } from '../../../src/load-options.ts'
import { createProgressLine } from '../../../src/node/progress-line.ts'

afterEach(() => vi.useRealTimers())

const download = (file: string, loaded: number): LoadProgress => ({
  phase: 'download',
  file,
  loaded,
  total: 200,
  text: `Downloading ${file}`,
})

const open = (terminal: { isTTY?: true; columns?: number }) => {
  vi.useFakeTimers()
  const output = Object.assign(new PassThrough(), terminal)
  const written = () => String(output.read() ?? '')
  return { line: createProgressLine(output), written }
}

it('writes a line for each new file and every ten seconds', () => {
  const { line, written } = open({})
  line.update(download('a', 1))
  line.update(download('a', 50))
  vi.advanceTimersByTime(10_000)
  line.update(download('a', 100))
  line.update(download('b', 150))
  line.clear()
  expect(written()).toBe('Downloading a (0 %)\nDownloading a (50 %)\nDownloading b (75 %)\n')
})

it('changes one line in a terminal, no wider than it is', () => {
  const { line, written } = open({ isTTY: true, columns: 15 })
  line.update(download('a', 1))
  line.update(download('a', 2))
  expect(written()).toBe('\r\u001B[2KDownloading a ')
  vi.advanceTimersByTime(100)
  line.update(download('a', 100))
  line.clear()
  expect(written()).toBe('\r\u001B[2KDownloading a \r\u001B[2K')
})

it('counts only what is counted in bytes', () => {
  const { line, written } = open({})
  line.update({ phase: 'compile', loaded: 0, total: 1, text: 'Compiling shaders' })
  expect(written()).toBe('Compiling shaders\n')
})
