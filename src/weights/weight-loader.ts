import type { CommandRecorder } from '../gpu/command-recorder.ts'
