import { EngineError } from '../errors.ts'
import type { CreateModel } from './model.ts'
import { architectures } from './registry.ts'

/** Builds the network that the config names. */
export const createModel: CreateModel = (build) => {
  const { architecture } = build.config
  const known = architectures.find(({ name }) => name === architecture)
  if (!known) throw new EngineError('internal', `There is no network for ${architecture}.`)
  return known.create(build)
}
