import { engineState, isStarterModel, loadEngine, modelLabel } from '../state/engine.ts'
import type { LoadProgress } from '../../src/index.ts'
import { isSettingsOpen } from '../state/layout.ts'

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)

const phaseWords: Readonly<Record<LoadProgress['phase'], string>> = {
  download: 'Downloading',
  weights: 'Loading weights',
  compile: 'Compiling shaders',
  ready: 'Ready',
}

const Progress = ({ progress }: { progress: LoadProgress | null }) => {
  const words = progress ? phaseWords[progress.phase] : 'Starting the engine'
  const hasTotal = progress !== null && progress.total > 0
  const hasBytes = hasTotal && (progress.phase === 'download' || progress.phase === 'weights')
  return (
    <div class="load-status" title={progress?.text}>
      <progress
        aria-label="Loading the model"
        max={hasTotal ? progress.total : 1}
        {...(hasTotal ? { value: progress.loaded } : {})}
      />
      <span>
        {words}
        {hasBytes && `: ${megabytes(progress.loaded)} of ${megabytes(progress.total)} MB`}
      </span>
    </div>
  )
}

const Failure = ({ code, message }: { code: string; message: string }) => (
  <div class="load-failure" role="alert">
    <p>
      <strong>The model could not be loaded.</strong> {message} <code>{code}</code>
    </p>
    <div class="actions">
      <button type="button" class="solid" onClick={() => void loadEngine()}>
        Try again
      </button>
      <button
        type="button"
        class="quiet"
        onClick={() => {
          isSettingsOpen.value = true
        }}
      >
        Choose another model
      </button>
    </div>
  </div>
)

/** One line under the composer: how loading goes, and what the model is once it is there. */
export const LoadStatus = () => {
  const state = engineState.value
  if (state.phase === 'failed') return <Failure code={state.code} message={state.message} />
  if (state.phase === 'loading') return <Progress progress={state.progress} />
  return (
    <p class="load-status">
      {isStarterModel()
        ? 'Starter model, 3 M parameters, made for demos: expect short answers and mistakes.'
        : `${modelLabel()} runs in this tab. Check what it says.`}
    </p>
  )
}
