export {
  collectOutput,
  createOutputParser,
  parseOutput,
  type OutputFinishReason,
  type OutputParser,
  type OutputParserOptions,
  type ParsedOutput,
  type ParsedToolCall,
  type ThinkingState,
  type ToolChoice,
} from './output-parser.ts'
export type { AddedTokens } from './token-marks.ts'
export type { OutputDelta, ToolCallDelta } from './output-delta.ts'
export { nativeCallSyntax, type NativeCallSyntax } from './native-call-syntax.ts'
export { reasoningParserNames, toolParserNames } from './registry.ts'
