/** `read` and `read_write` are storage buffers. */
export type BindingAccess = 'read' | 'read_write'

/**
 * A compute shader as TypeScript sees it. `modules` are WGSL files that are joined with newlines
 * (module-scope declarations have no order); the variants of a kernel exchange modules that declare
 * the same functions. `overrides` are its numbers, `bindings` its buffers of group 0 in the order of
 * their binding numbers. A contract test compares all three with the shader text.
 */
export type KernelSpec = {
  readonly name: string
  readonly modules: readonly string[]
  readonly overrides: readonly string[]
  readonly bindings: Readonly<Record<string, BindingAccess>>
}

export const defineKernel = <const Spec extends KernelSpec>(spec: Spec): Spec => spec

export type OverridesOf<Spec extends KernelSpec> = Readonly<
  Record<Spec['overrides'][number], number>
>

export type BindingsOf<Spec extends KernelSpec> = keyof Spec['bindings'] & string

/** Features that a shader's text uses; they go first, before any declaration. */
export const directives = (source: string): string =>
  [
    /\bsubgroup[A-Z]|\bsubgroup_/.test(source) ? 'enable subgroups;' : '',
    /\bf16\b/.test(source.replace(/\/\/.*$/gm, '')) ? 'enable f16;' : '',
  ]
    .filter(Boolean)
    .join('\n')
