#!/usr/bin/env node
import { main } from './main.ts'

// A reader that has seen enough, such as `head`, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1)
})
const exitCode = await main(process.argv.slice(2), process)
// Nothing that a driver leaves behind may hold the process, once all is written.
process.stdout.write('', () => process.exit(exitCode))
