/** A command line that says something that can't be done. Its message is all that is shown. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
