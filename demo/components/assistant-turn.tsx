import type { Conversation } from '../state/conversations.ts'
import { engineState } from '../state/engine.ts'
import { regenerate } from '../state/generation.ts'
import { answerText, isLive, type AssistantMessage, type Round } from '../state/messages.ts'
import { CopyButton } from './copy-button.tsx'
import { IconButton } from './icon-button.tsx'
import { MarkdownView } from './markdown-view.tsx'
import { Reasoning } from './reasoning.tsx'
import { ToolCard } from './tool-card.tsx'

type Props = { readonly conversation: Conversation; readonly message: AssistantMessage }

const RoundView = ({ round, live }: { round: Round; live: boolean }) => (
  <>
    {round.reasoning.trim() !== '' && <Reasoning round={round} isLive={live} />}
    {round.content.trim() !== '' && <MarkdownView text={round.content} />}
    {round.toolCalls.length > 0 && (
      <div class="tool-cards">
        {round.toolCalls.map((call, index) => (
          <ToolCard key={index} call={call} />
        ))}
      </div>
    )}
  </>
)

const Waiting = () => {
  const isLoading = engineState.value.phase === 'loading'
  return (
    <p class="waiting">
      <span class="pulse" aria-hidden="true" />
      {isLoading ? 'Waiting for the model to load' : 'Reading'}
    </p>
  )
}

const SpeedNote = ({ message }: { message: AssistantMessage }) => {
  const { speed } = message
  if (!speed) return null
  const rate = speed.tokensPerSecond
  return (
    <span class="speed">
      {speed.tokens} tokens at {rate.toFixed(rate < 10 ? 1 : 0)}/s
      <span class="first-token">, first after {(speed.firstTokenMs / 1000).toFixed(2)} s</span>
    </span>
  )
}

export const AssistantTurn = ({ conversation, message }: Props) => {
  const live = isLive(message)
  const text = answerText(message)
  return (
    <article class={`turn assistant is-${message.status}`} aria-label="Assistant" aria-busy={live}>
      {message.rounds.map((round, index) => (
        <RoundView key={index} round={round} live={live && index === message.rounds.length - 1} />
      ))}
      {message.status === 'waiting' && <Waiting />}
      {message.status === 'stopped' && <p class="note">Stopped.</p>}
      {message.note !== null && (
        <p class={message.status === 'failed' ? 'note is-error' : 'note'}>{message.note}</p>
      )}
      <div class="turn-actions">
        {!live && (
          <>
            {text !== '' && <CopyButton text={text} label="Copy answer" />}
            <IconButton
              icon="retry"
              label="Regenerate"
              disabled={conversation.running.value !== null}
              onClick={() => regenerate(conversation, message.id)}
            />
            <SpeedNote message={message} />
          </>
        )}
      </div>
    </article>
  )
}
