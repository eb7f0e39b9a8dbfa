import { useEffect } from 'preact/hooks'
import type { EngineStats } from '../../src/index.ts'
import { drawer, isNarrow } from '../state/layout.ts'
import { rates, stats, watchStats } from '../state/samples.ts'
import { panelSwitch } from '../state/settings.ts'
import { BlockMap } from './block-map.tsx'
import { IconButton } from './icon-button.tsx'
import { RatePlot } from './rate-plot.tsx'
import { colorOf, nameOf } from './sequence-colors.ts'

const Requests = ({ snapshot }: { snapshot: EngineStats }) => (
  <section aria-labelledby="requests-title">
    <h3 id="requests-title">
      Requests{' '}
      <span>
        {snapshot.numRunning} running, {snapshot.numWaiting} waiting
      </span>
    </h3>
    {snapshot.requests.length === 0 && <p class="nothing">Nothing to do.</p>}
    <ul class="requests">
      {snapshot.requests.map((request) => (
        <li key={request.requestId} data-color={colorOf(request.requestId)}>
          <span
            class={`dot ${request.status === 'running' ? 'is-running' : ''}`}
            aria-hidden="true"
          />
          <span class="request-name">{nameOf(request.requestId)}</span>
          <span class="request-facts">
            {request.status}, {request.numPromptTokens} in, {request.numOutputTokens} out,{' '}
            {request.numBlocks} blocks
          </span>
        </li>
      ))}
    </ul>
  </section>
)

const Facts = ({ snapshot }: { snapshot: EngineStats }) => {
  const queried = snapshot.prefixCacheQueriedTokens
  const hitRate = queried === 0 ? null : snapshot.prefixCacheHitTokens / queried
  const facts: readonly (readonly [string, string])[] = [
    [
      'Prefix-cache hits',
      hitRate === null ? 'no prompt yet' : `${(hitRate * 100).toFixed(0)} % of tokens`,
    ],
    ['Prompt tokens', snapshot.numPromptTokens.toLocaleString('en')],
    ['Generated tokens', snapshot.numGeneratedTokens.toLocaleString('en')],
    ['Steps', snapshot.numSteps.toLocaleString('en')],
    ['Dispatches per step', String(snapshot.dispatchesPerStep)],
    ['JavaScript per step', `${snapshot.lastStepMs.toFixed(2)} ms`],
    ['Preemptions', String(snapshot.numPreemptions)],
    ['Block size', `${snapshot.blockSize} tokens`],
    ['Adapter', snapshot.adapter],
  ]
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

const closePanel = (): void => {
  if (isNarrow.peek()) drawer.value = null
  else panelSwitch.value = 'off'
}

const Panel = () => {
  useEffect(watchStats, [])
  const snapshot = stats.value
  return (
    <aside class="panel" id="panel" aria-label="Engine">
      <header>
        <h2>Engine</h2>
        <IconButton icon="close" label="Close engine panel" onClick={closePanel} />
      </header>
      {snapshot ? (
        <>
          <RatePlot rates={rates.value} />
          <section aria-labelledby="blocks-title">
            <h3 id="blocks-title">
              KV cache <span>{snapshot.numBlocks} blocks</span>
            </h3>
            <BlockMap blocks={snapshot.blocks} />
          </section>
          <Requests snapshot={snapshot} />
          <Facts snapshot={snapshot} />
        </>
      ) : (
        <p class="nothing">The engine is not running yet.</p>
      )}
    </aside>
  )
}

/** What the engine does right now. It asks only while it is on screen. */
export const EnginePanel = () => {
  const isOpen = isNarrow.value ? drawer.value === 'panel' : panelSwitch.value === 'on'
  return isOpen ? <Panel /> : null
}
