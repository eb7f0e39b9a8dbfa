import type { ReadStream } from 'node:tty'
import type { Output } from './progress-line.ts'

/** A program's standard streams. */
export type Streams = {
  readonly stdin: NodeJS.ReadableStream & Partial<Pick<ReadStream, 'isTTY'>>
  readonly stdout: Output
  readonly stderr: Output
}
