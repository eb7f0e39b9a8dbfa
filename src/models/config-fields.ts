import type { Activation } from '../kernels/linear-spec.ts'
import { EngineError, quote } from '../errors.ts'

export type Json = Readonly<Record<string, unknown>>

/** Reads fields of a config.json, or names the one that is missing or wrong. */
export const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const unsupported = (what: string, remedy: string, details = {}): EngineError =>
  new EngineError('unsupported-model', `${what}. ${remedy}`, { details })

export const otherModel = 'Choose another model or revision.'

export const invalidField = (name: string, value: unknown, expected: string): EngineError =>
  new EngineError(
    'invalid-file',
    `config.json: "${name}" is ${value === undefined ? 'missing' : quote(value)}, expected ` +
      `${expected}. Check that the model is complete, then delete it and download it again.`,
    { details: { file: 'config.json', field: name } },
  )

/** No field of a model is anywhere near these bounds; what is made of one within them stays finite. */
export const isPositive = (value: unknown): value is number =>
  typeof value === 'number' && value >= 1e-30 && value <= 1e30

/** A number of `json`; absent or null gives the default, or an error where there is none. */
export const readNumber = (json: Json, name: string, fallback?: number): number => {
  const value = json[name] ?? fallback
  if (isPositive(value)) return value
  throw invalidField(name, value, 'a positive number')
}

const maxInteger = 2 ** 31 - 1

export const readInteger = (json: Json, name: string, fallback?: number): number => {
  const value = readNumber(json, name, fallback)
  if (Number.isInteger(value) && value <= maxInteger) return value
  throw invalidField(name, value, `a positive integer up to ${maxInteger}`)
}

/** A size that lists are made by, before any weight shows whether it is true. */
export const readLength = (json: Json, name: string, max: number, fallback?: number): number => {
  const value = readInteger(json, name, fallback)
  if (value <= max) return value
  throw invalidField(name, value, `at most ${max}`)
}

export const readFlag = (json: Json, name: string, fallback: boolean): boolean => {
  const value = json[name] ?? fallback
  if (typeof value === 'boolean') return value
  throw invalidField(name, value, 'true or false')
}

/** One id or a list; older files say -1 for none. */
export const readTokenIds = (json: Json, name: string): number[] => {
  const value = json[name] ?? []
  const ids: unknown[] = Array.isArray(value) ? value : [value]
  return ids.flatMap((id) => {
    if (id === -1) return []
    if (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0) return [id]
    throw invalidField(name, value, 'token ids')
  })
}

const activations: Readonly<Record<string, Activation>> = {
  silu: 'silu',
  swish: 'silu',
  gelu: 'gelu',
  gelu_pytorch_tanh: 'gelu-tanh',
  gelu_new: 'gelu-tanh',
  gelu_fast: 'gelu-tanh',
}

/** The MLP's activation, by the name that transformers has for it. */
export const readActivation = (json: Json, fallback: string): Activation => {
  const name = json['hidden_activation'] ?? json['hidden_act'] ?? fallback
  if (typeof name === 'string' && Object.hasOwn(activations, name)) return activations[name]!
  throw unsupported(`The activation ${quote(name)} is not supported`, otherModel)
}
