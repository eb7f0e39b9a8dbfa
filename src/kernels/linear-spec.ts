import activationGelu from '../../shaders/lib/activation-gelu.wgsl?raw'
import activationGeluTanh from '../../shaders/lib/activation-gelu-tanh.wgsl?raw'
import activationSilu from '../../shaders/lib/activation-silu.wgsl?raw'
import epilogueActivated from '../../shaders/lib/epilogue-activated.wgsl?raw'
import epilogueAdd from '../../shaders/lib/epilogue-add.wgsl?raw'
import epilogueGated from '../../shaders/lib/epilogue-gated.wgsl?raw'
import epilogueStore from '../../shaders/lib/epilogue-store.wgsl?raw'
import type { BindingAccess } from '../gpu/kernel.ts'
import type { Tensor } from '../gpu/tensor.ts'

// What matvec and matmul share, as shaders/lib/linear.wgsl declares it: a linear layer binds the same
// buffers and numbers to either.

/** `gelu` is the exact one, by erf; `gelu-tanh` the approximation by tanh. */
export type Activation = 'silu' | 'gelu' | 'gelu-tanh'

/**
 * What becomes of a result v: `store` writes it, `add` adds it to what `out` holds (the residual
 * stream), an activation is written in its place. `swiglu`, `geglu` and `geglu-tanh` combine weight
 * rows 2j (gate) and 2j + 1 (up) into activation(gate) * up.
 */
export type Epilogue = 'store' | 'add' | Activation | GatedEpilogue
type GatedEpilogue = 'swiglu' | 'geglu' | 'geglu-tanh'

/** The epilogue of a gate with an activation. */
export const gatedEpilogues = {
  silu: 'swiglu',
  gelu: 'geglu',
  'gelu-tanh': 'geglu-tanh',
} as const satisfies Readonly<Record<Activation, GatedEpilogue>>

const gated: ReadonlySet<Epilogue> = new Set(Object.values(gatedEpilogues))

/** Whether two weight rows make one output. */
export const isGated = (epilogue: Epilogue): boolean => gated.has(epilogue)

const joined = (...modules: readonly string[]): string => modules.join('\n')

export const epilogueModules: Readonly<Record<Epilogue, string>> = {
  store: epilogueStore,
  add: epilogueAdd,
  silu: joined(epilogueActivated, activationSilu),
  gelu: joined(epilogueActivated, activationGelu),
  'gelu-tanh': joined(epilogueActivated, activationGeluTanh),
  swiglu: joined(epilogueGated, activationSilu),
  geglu: joined(epilogueGated, activationGelu),
  'geglu-tanh': joined(epilogueGated, activationGeluTanh),
}

export const linearOverrides = [
  'ROW_COUNT_WORD',
  'COLUMNS',
  'FIRST_ROW',
  'NUM_ROWS',
  'OUT_STRIDE',
  'HAS_NORM',
  'EPS',
  'HAS_BIAS',
  'OUT_SCALE',
  'SOFT_CAP',
] as const

export type LinearOverrides = Readonly<Record<(typeof linearOverrides)[number], number>>

export const linearBindings = {
  step: 'read',
  x: 'read',
  weight: 'read',
  scales: 'read',
  norm_weight: 'read',
  bias: 'read',
  out: 'read_write',
} as const satisfies Record<string, BindingAccess>

export type LinearTensors = Readonly<Record<keyof typeof linearBindings, Tensor>>
