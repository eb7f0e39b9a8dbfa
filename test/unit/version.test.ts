import { expect, it } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { version } from '../../src/version.ts'

it("is the package's version", () => expect(version).toBe(packageJson.version))
