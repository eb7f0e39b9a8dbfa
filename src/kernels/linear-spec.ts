import epilogueAdd from '../../shaders/lib/epilogue-add.wgsl?raw'
import epilogueGeglu from '../../shaders/lib/epilogue-geglu.wgsl?raw'
import epilogueStore from '../../shaders/lib/epilogue-store.wgsl?raw'
import epilogueSwiglu from '../../shaders/lib/epilogue-swiglu.wgsl?raw'
import type { BindingAccess } from '../gpu/kernel.ts'
import type { Tensor } from '../gpu/tensor.ts'

// What matvec and matmul share, as shaders/lib/linear.wgsl declares it: a linear layer binds the same
// buffers and numbers to either.

/**
 * What becomes of a result v: `store` writes it, `add` adds it to what `out` holds (the residual
 * stream), `swiglu` and `geglu` combine weight rows 2j (gate) and 2j + 1 (up) into silu(gate) * up
 * and gelu(gate) * up.
 */
export type Epilogue = 'store' | 'add' | 'swiglu' | 'geglu'

/** Whether two weight rows make one output. */
export const isGated = (epilogue: Epilogue): boolean =>
  epilogue === 'swiglu' || epilogue === 'geglu'

export const epilogueModules: Readonly<Record<Epilogue, string>> = {
  store: epilogueStore,
  add: epilogueAdd,
  swiglu: epilogueSwiglu,
  geglu: epilogueGeglu,
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
