import type { EngineStats, HistogramSnapshot } from '../engine/generation.ts'
import type { HttpMetrics } from './http-metrics.ts'

type Labels = Readonly<Record<string, string>>

type Sample = { readonly suffix?: string; readonly labels?: Labels; readonly value: number }

type Family = {
  readonly name: string
  readonly type: 'gauge' | 'counter' | 'histogram'
  readonly help: string
  readonly samples: readonly Sample[]
}

const gauge = (name: string, help: string, value: number): Family => ({
  name,
  type: 'gauge',
  help,
  samples: [{ value }],
})

const counter = (name: string, help: string, value: number): Family => ({
  name,
  type: 'counter',
  help,
  samples: [{ value }],
})

/** A bound as Prometheus's own clients print a float. */
const boundText = (bound: number): string =>
  Number.isInteger(bound) ? `${bound}.0` : String(bound)

const histogram = (name: string, help: string, snapshot: HistogramSnapshot): Family => {
  let total = 0
  const buckets = snapshot.counts.map((count, index): Sample => {
    total += count
    const bound = snapshot.bounds[index]
    const le = bound === undefined ? '+Inf' : boundText(bound)
    return { suffix: '_bucket', labels: { le }, value: total }
  })
  return {
    name,
    type: 'histogram',
    help,
    samples: [
      ...buckets,
      { suffix: '_sum', value: snapshot.sum },
      { suffix: '_count', value: total },
    ],
  }
}

/** vLLM's metrics, by its names. */
const engineFamilies = (stats: EngineStats): Family[] => [
  gauge('vllm:num_requests_running', 'Requests in the batch.', stats.numRunning),
  gauge('vllm:num_requests_waiting', 'Requests that wait for a place.', stats.numWaiting),
  gauge(
    'vllm:kv_cache_usage_perc',
    'Share of the KV blocks in use; 1 is all of them.',
    stats.numBlocks === 0 ? 0 : 1 - stats.numFreeBlocks / stats.numBlocks,
  ),
  counter(
    'vllm:prefix_cache_queries_total',
    'Prompt tokens looked up in the prefix cache.',
    stats.prefixCacheQueriedTokens,
  ),
  counter(
    'vllm:prefix_cache_hits_total',
    'Prompt tokens found in the prefix cache.',
    stats.prefixCacheHitTokens,
  ),
  counter('vllm:num_preemptions_total', 'Requests put back to wait.', stats.numPreemptions),
  counter('vllm:prompt_tokens_total', 'Prompt tokens processed.', stats.numPromptTokens),
  counter('vllm:generation_tokens_total', 'Tokens generated.', stats.numGeneratedTokens),
  {
    name: 'vllm:request_success_total',
    type: 'counter',
    help: 'Requests that ended, by reason.',
    samples: Object.entries(stats.numFinished).map(([reason, value]) => ({
      labels: { finished_reason: reason },
      value,
    })),
  },
  histogram('vllm:time_to_first_token_seconds', 'Arrival to first token.', stats.timeToFirstToken),
  histogram(
    'vllm:inter_token_latency_seconds',
    'Between two tokens of a request.',
    stats.interTokenLatency,
  ),
  histogram('vllm:e2e_request_latency_seconds', 'Arrival to last token.', stats.requestLatency),
  histogram('vllm:request_queue_time_seconds', 'Arrival to first step.', stats.queueTime),
  histogram('vllm:request_prefill_time_seconds', 'First step to first token.', stats.prefillTime),
  histogram('vllm:request_decode_time_seconds', 'First token to last token.', stats.decodeTime),
  histogram(
    'vllm:request_inference_time_seconds',
    'First step to last token.',
    stats.inferenceTime,
  ),
  histogram(
    'vllm:request_time_per_output_token_seconds',
    'First token to last token, by tokens behind the first.',
    stats.timePerOutputToken,
  ),
  histogram('vllm:request_prompt_tokens', 'Prompt tokens of a request.', stats.requestPromptTokens),
  histogram(
    'vllm:request_generation_tokens',
    'Tokens generated for a request.',
    stats.requestGenerationTokens,
  ),
  counter('vllm:spec_decode_num_drafts_total', 'Drafts of speculation.', stats.numDrafts),
  counter(
    'vllm:spec_decode_num_draft_tokens_total',
    'Draft tokens of speculation.',
    stats.numDraftTokens,
  ),
  counter(
    'vllm:spec_decode_num_accepted_tokens_total',
    'Draft tokens that the model confirmed.',
    stats.numAcceptedTokens,
  ),
]

/** What vLLM has no metric for. */
const ownFamilies = (stats: EngineStats, http: HttpMetrics): Family[] => [
  counter(
    'quire:device_losses_total',
    'Times that the GPU device was lost and replaced.',
    stats.numDeviceLosses,
  ),
  gauge('quire:streaming_requests', 'Replies that are being streamed.', http.numStreams),
  {
    name: 'quire:tool_calls_total',
    type: 'counter',
    help: 'Tool calls found in answers, by parser and by whether their arguments are JSON.',
    samples: http.toolCalls.map(({ count, ...labels }) => ({ labels, value: count })),
  },
  {
    name: 'quire:http_requests_total',
    type: 'counter',
    help: 'HTTP requests answered, by path and status.',
    samples: http.requests.map(({ count, ...labels }) => ({ labels, value: count })),
  },
]

const escapeLabel = (value: string): string =>
  value
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', '\\n')

const writeFamily = ({ name, type, help, samples }: Family, common: Labels): string => {
  const lines = samples.map(({ suffix = '', labels, value }) => {
    const pairs = Object.entries({ ...common, ...labels })
    const text = pairs.map(([label, own]) => `${label}="${escapeLabel(own)}"`).join(',')
    return `${name}${suffix}{${text}} ${value}`
  })
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n')
}

/** All metrics in Prometheus's text format 0.0.4, each with the label `model_name`. */
export const writeMetrics = (stats: EngineStats, http: HttpMetrics, modelName: string): string =>
  [...engineFamilies(stats), ...ownFamilies(stats, http)]
    .map((family) => writeFamily(family, { model_name: modelName }))
    .join('')
