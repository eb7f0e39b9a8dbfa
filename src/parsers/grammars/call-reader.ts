/** What a reader reports while it reads. */
export type CallEvents = {
  /** Once a call, before its arguments. `id` where the model wrote one. */
  call(name: string, id?: string): void
  /** Argument text in pieces; together they are JSON. */
  arguments(text: string): void
}

/** `invalid`: the character does not belong to the call; `done`: it was its last one. */
export type ReadResult = 'more' | 'done' | 'invalid'

/** Reads one call, a character at a time, and reports it as it comes. */
export type CallReader = {
  read(char: string): ReadResult
  /** Whether the call has been reported: from then on its text is no content any more. */
  isEmitted(): boolean
  /** Inside a string a marker's characters are text. */
  inString(): boolean
  /**
   * No more of the call follows. `complete`: the model thinks it whole, so what is still open is
   * closed; `cut`: it was stopped. False: no call came out of it.
   */
  end(how: 'complete' | 'cut'): boolean
}
