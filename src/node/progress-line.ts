import type { WriteStream } from 'node:tty'
import type { LoadProgress } from '../load-options.ts'

/** What is written to: a terminal, or a file or pipe. */
export type Output = NodeJS.WritableStream & Partial<Pick<WriteStream, 'isTTY' | 'columns'>>

const betweenUpdatesMs = 100
const betweenLinesMs = 10_000
const clearLine = '\r\u001B[2K'

const describe = ({ text, loaded, total, phase }: LoadProgress): string => {
  const isCounted = phase === 'download' || phase === 'weights'
  return isCounted && total > 0 ? `${text} (${Math.floor((loaded / total) * 100)} %)` : text
}

/**
 * Shows how loading goes: in a terminal as one line that changes, elsewhere as a line for each new file
 * or phase and every 10 seconds.
 */
export const createProgressLine = (output: Output) => {
  let latest = ''
  let shownAt = -Infinity
  const isDue = (what: string): boolean => {
    const pause = output.isTTY ? betweenUpdatesMs : betweenLinesMs
    return what !== latest || performance.now() - shownAt >= pause
  }
  return {
    update: (progress: LoadProgress): void => {
      const what = `${progress.phase} ${progress.file ?? ''}`
      if (!isDue(what)) return
      latest = what
      shownAt = performance.now()
      const text = describe(progress)
      if (output.isTTY) output.write(clearLine + text.slice(0, (output.columns || 80) - 1))
      else output.write(`${text}\n`)
    },
    /** The line makes room for what comes after it. */
    clear: (): void => {
      if (output.isTTY && latest !== '') output.write(clearLine)
    },
  }
}
