import type { ToolCall } from '../state/messages.ts'
import { Icon } from './icon.tsx'

const stateWords: Readonly<Record<ToolCall['status'], string>> = {
  writing: 'Writing…',
  running: 'Running…',
  done: 'Done',
  failed: 'Failed',
}

/** The entries of a JSON object, or null for anything else, half-written JSON included. */
const entriesOf = (json: string): [string, unknown][] | null => {
  try {
    const value: unknown = JSON.parse(json)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? Object.entries(value) : null
  } catch {
    return null
  }
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value, null, 1)

const isSearchHit = (value: unknown): value is { title: string; text: string } =>
  typeof value === 'object' && value !== null && 'title' in value && 'text' in value

const Value = ({ value }: { value: unknown }) => {
  if (!Array.isArray(value) || !value.every(isSearchHit)) return <>{textOf(value)}</>
  if (value.length === 0) return <>nothing found</>
  return (
    <ul class="hits">
      {value.map((hit) => (
        <li key={hit.title}>
          <strong>{hit.title}</strong> {hit.text}
        </li>
      ))}
    </ul>
  )
}

const Fields = ({ json, kind }: { json: string; kind: 'arguments' | 'result' }) => {
  const entries = entriesOf(json)
  if (!entries) return <pre class={`fields raw ${kind}`}>{json}</pre>
  return (
    <dl class={`fields ${kind}`}>
      {entries.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <Value value={value} />
          </dd>
        </div>
      ))}
    </dl>
  )
}

/** One call of a tool: what was asked, what came back, and how far it is. */
export const ToolCard = ({ call }: { call: ToolCall }) => (
  <section class={`tool-card is-${call.status}`} aria-label={`Tool ${call.name}`}>
    <header>
      <Icon name="tool" />
      <code>{call.name || '…'}</code>
      <span class="tool-state">{stateWords[call.status]}</span>
    </header>
    <Fields json={call.arguments} kind="arguments" />
    {call.result !== '' && <Fields json={call.result} kind="result" />}
  </section>
)
