import { describe, expect, it } from 'vitest'
import type { KernelSpec } from '../../src/gpu/kernel.ts'

// A kernel's TypeScript names its overrides and bindings a second time; here the shader's text has
// the say. Each module of src/kernels that has shaders exports `specs`, all its variants.
const modules = import.meta.glob<{ specs?: readonly KernelSpec[] }>('../../src/kernels/*.ts', {
  eager: true,
})

const withoutComments = (source: string): string => source.replace(/\/\/.*$/gm, '')

const overridesOf = (source: string): { name: string; required: boolean }[] =>
  [...source.matchAll(/^\s*override\s+(\w+)\s*:\s*\w+\s*(=?)/gm)].map(([, name, initial]) => ({
    name: name ?? '',
    required: initial !== '=',
  }))

const bindingsOf = (source: string): { name: string; binding: number; access: string }[] =>
  [
    ...source.matchAll(
      /@group\(0\)\s*@binding\((\d+)\)\s*var<storage,\s*(read|read_write)>\s*(\w+)/g,
    ),
  ]
    .map(([, binding, access, name]) => ({
      name: name ?? '',
      binding: Number(binding),
      access: access ?? '',
    }))
    .sort((a, b) => a.binding - b.binding)

const kernels = Object.entries(modules).flatMap(([path, { specs }]) =>
  specs ? [{ file: path.split('/').at(-1) ?? path, specs }] : [],
)

describe('kernel contract', () => {
  it('finds the kernels', () => {
    expect(kernels.map(({ file }) => file)).toContain('matvec.ts')
  })

  it.each(kernels)('$file agrees with its shader', ({ specs }) => {
    const seen = new Set<string>()
    for (const spec of specs) {
      const source = withoutComments(spec.modules.join('\n'))
      if (seen.has(source)) continue
      seen.add(source)
      const overrides = overridesOf(source)
      expect(overrides.map(({ name }) => name)).toEqual(expect.arrayContaining([...spec.overrides]))
      const required = overrides.filter((override) => override.required).map(({ name }) => name)
      expect(spec.overrides).toEqual(expect.arrayContaining(required))
      const bindings = Object.entries(spec.bindings).map(([name, access], binding) => ({
        name,
        binding,
        access,
      }))
      expect(bindings).toEqual(bindingsOf(source))
    }
  })
})
