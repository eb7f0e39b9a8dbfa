export { parseArguments, type JsonObject } from './arguments.ts'
export type { ChoiceEvent } from './choice-reader.ts'
export {
  withCircuitBreaker,
  type CircuitBreakerOptions,
  type CircuitState,
} from './circuit-breaker.ts'
export { collect, createCollector, type Collected, type CollectedChoice } from './collect.ts'
export { withConcurrencyLimit } from './concurrency-limit.ts'
export {
  withFallback,
  type FallbackOptions,
  type FallbackReason,
  type LocalEngine,
  type LocalStats,
} from './fallback.ts'
export type { Endpoint, Fetch } from './fetch.ts'
export {
  assistantMessage,
  toolMessage,
  type AssistantMessage,
  type AssistantParts,
  type ChatMessage,
  type ToolCall,
  type ToolMessage,
} from './messages.ts'
export { parsePartialJson } from './partial-json.ts'
export {
  isRetryableError,
  isRetryableStatus,
  withRetry,
  type RetryEvent,
  type RetryOptions,
} from './retry.ts'
export {
  runTools,
  type RunToolsOptions,
  type RunToolsResult,
  type Tool,
  type ToolContext,
  type ToolResultEvent,
} from './run-tools.ts'
export { readServerSentEvents, type ServerSentEvent } from './server-sent-events.ts'
export { streamChat, type ChatOptions, type ChatRequest } from './stream-chat.ts'
export { streamEvents, type StreamEvent, type Usage } from './stream-events.ts'
export { withTimeout, type TimeoutOptions } from './timeout.ts'
export { EngineError, type EngineErrorCode } from '../errors.ts'
