import { EngineError } from '../errors.ts'

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
    `config.json: "${name}" is ${value === undefined ? 'missing' : JSON.stringify(value)}, expected ` +
      `${expected}. Check that the model is complete, then delete it and download it again.`,
    { details: { file: 'config.json', field: name } },
  )

/** A number of `json`; absent or null gives the default, or an error where there is none. */
export const readNumber = (json: Json, name: string, fallback?: number): number => {
  const value = json[name] ?? fallback
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value
  throw invalidField(name, value, 'a positive number')
}

export const readInteger = (json: Json, name: string, fallback?: number): number => {
  const value = readNumber(json, name, fallback)
  if (Number.isSafeInteger(value)) return value
  throw invalidField(name, value, 'a positive integer')
}

export const readFlag = (json: Json, name: string, fallback: boolean): boolean => {
  const value = json[name] ?? fallback
  if (typeof value === 'boolean') return value
  throw invalidField(name, value, 'true or false')
}

export const readTokenIds = (json: Json, name: string): number[] => {
  const value = json[name] ?? []
  const ids: unknown[] = Array.isArray(value) ? value : [value]
  return ids.map((id) => {
    if (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0) return id
    throw invalidField(name, value, 'token ids')
  })
}
