import type { Round } from '../state/messages.ts'
import { Icon } from './icon.tsx'

const label = (round: Round, isLive: boolean): string => {
  if (round.reasoningMs !== null) return `Thought for ${(round.reasoningMs / 1000).toFixed(1)} s`
  return isLive ? 'Thinking…' : 'Thought'
}

/** The model's thoughts, folded away until someone wants to read them. */
export const Reasoning = ({ round, isLive }: { round: Round; isLive: boolean }) => {
  const isThinking = isLive && round.reasoningMs === null
  return (
    <details class={`reasoning ${isThinking ? 'is-thinking' : ''}`}>
      <summary>
        <Icon name="thought" />
        <span>{label(round, isLive)}</span>
      </summary>
      <div class="thoughts">{round.reasoning.trim()}</div>
    </details>
  )
}
