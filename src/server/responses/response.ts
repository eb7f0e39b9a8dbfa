import type { RunningChat } from '../routes/chat-completions.ts'
import type { ResponsesRequest } from './request.ts'

export type ResponseStatus =
  | 'queued'
  | 'in_progress'
  | 'completed'
  | 'incomplete'
  | 'cancelled'
  | 'failed'

/** The JSON of a response, in vLLM's order. */
export type ResponseObject = {
  readonly id: string
  readonly status: ResponseStatus
  readonly output: readonly object[]
  readonly [field: string]: unknown
}

export type ResponseProgress = {
  readonly status: ResponseStatus
  readonly output: readonly object[]
  readonly usage: object | null
}

/** Says what is the same through all of a response's life. */
export type DescribeResponse = (progress: ResponseProgress) => ResponseObject

/** The usage of a finished reply. */
export const responseUsage = ({ tally }: RunningChat['reply']): object => {
  const usage = tally.total()
  return {
    input_tokens: usage.prompt_tokens,
    input_tokens_details: { cached_tokens: usage.prompt_tokens_details.cached_tokens },
    output_tokens: usage.completion_tokens,
    output_tokens_details: {
      reasoning_tokens: usage.completion_tokens_details?.reasoning_tokens ?? 0,
      tool_output_tokens: 0,
    },
    total_tokens: usage.total_tokens,
  }
}

export type DescribeOptions = {
  readonly id: string
  readonly request: ResponsesRequest
  readonly chat: RunningChat
  readonly maxModelLen: number
}

export const createDescription = (options: DescribeOptions): DescribeResponse => {
  const { id, request, chat, maxModelLen } = options
  const { params, reply } = chat
  const room = maxModelLen - (reply.prompts[0]?.length ?? 0)
  return ({ status, output, usage }) => ({
    id,
    created_at: reply.created,
    incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    instructions: request.instructions ?? null,
    metadata: request.metadata ?? null,
    model: reply.model,
    object: 'response',
    output,
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    temperature: params.temperature,
    tool_choice: request.toolChoice,
    tools: request.tools,
    top_p: params.topP,
    background: request.background ?? false,
    max_output_tokens: Math.min(params.maxTokens ?? room, room),
    max_tool_calls: request.max_tool_calls ?? null,
    previous_response_id: request.previous_response_id ?? null,
    prompt: null,
    reasoning: request.reasoning ?? null,
    service_tier: request.service_tier ?? 'auto',
    status,
    text: request.text ?? null,
    top_logprobs: params.logprobs,
    truncation: request.truncation ?? 'disabled',
    usage,
    user: request.user ?? null,
    presence_penalty: params.presencePenalty,
    frequency_penalty: params.frequencyPenalty,
    kv_transfer_params: null,
    ec_transfer_params: null,
    input_messages: null,
    output_messages: null,
  })
}
