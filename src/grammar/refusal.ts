import { EngineError } from '../errors.ts'

/**
 * A constraint that can't be kept: the caller's mistake, or more than Quire can do.
 *
 * @param where A path into what was given, such as `$.properties.age`, or ''.
 */
export const refuseConstraint = (message: string, where = ''): EngineError =>
  new EngineError('invalid-request', where === '' ? message : `${message} (at ${where})`, {
    details: where === '' ? {} : { where },
  })
