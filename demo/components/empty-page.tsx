import type { Conversation } from '../state/conversations.ts'
import { runInParallel, trySuggestion } from '../state/demonstrations.ts'
import { isStarterModel, modelLabel } from '../state/engine.ts'
import { suggestions } from '../suggestions.ts'
import { Icon } from './icon.tsx'

const Introduction = () =>
  isStarterModel() ? (
    <p class="lead">
      A language model that runs in this tab, on your GPU, with no server behind it. This is the{' '}
      <strong>starter model</strong>: 3 M parameters, made for demos. It chats briefly, calls tools
      and does small sums; load a larger one in the settings for real work.
    </p>
  ) : (
    <p class="lead">
      <strong>{modelLabel()}</strong> runs in this tab, on your GPU, with no server behind it.
    </p>
  )

/** What a new chat shows: who answers, and five things to try. */
export const EmptyPage = ({ conversation }: { conversation: Conversation }) => (
  <div class="empty">
    <div class="empty-content">
      <h1>What would you like to ask?</h1>
      <Introduction />
      <ul class="suggestions">
        {suggestions.map((suggestion) => (
          <li key={suggestion.title}>
            <button type="button" onClick={() => void trySuggestion(conversation, suggestion)}>
              <span class="suggestion-title">{suggestion.title}</span>
              <span class="suggestion-text">{suggestion.text}</span>
            </button>
          </li>
        ))}
        <li>
          <button type="button" class="is-parallel" onClick={runInParallel}>
            <span class="suggestion-title">
              <Icon name="parallel" /> Run 4 at once
            </span>
            <span class="suggestion-text">Four chats share every step of the engine.</span>
          </button>
        </li>
      </ul>
    </div>
  </div>
)
