import type { ThinkingState } from '../parsers/output-parser.ts'

/** Counts the tokens of an answer's thinking, its markers apart. */
export type ThinkingCounter = {
  /** `state` after these tokens. `isVoid`: a block that ends with them counts for nothing. */
  count(state: ThinkingState, numTokens: number, isVoid?: boolean): void
  total(): number
}

export const createThinkingCounter = (): ThinkingCounter => {
  let numClosed = 0
  let numInBlock = 0
  let numOpened = 0
  return {
    count(state, numTokens, isVoid = false) {
      if (state.numOpened > numOpened) {
        // What came up to here spelled the marker.
        numOpened = state.numOpened
        numInBlock = 0
      } else if (state.isOpen) numInBlock += numTokens
      if (state.isOpen) return
      numClosed += isVoid ? 0 : numInBlock
      numInBlock = 0
    },
    total: () => numClosed + numInBlock,
  }
}
