import { windowMs, type Rate } from '../state/samples.ts'

const width = 300
const height = 64

/** A round number above the highest rate, so that the scale does not move with each sample. */
const niceCeiling = (value: number): number => {
  const magnitude = 10 ** Math.floor(Math.log10(Math.max(value, 10)))
  return [1, 2, 5, 10].map((step) => step * magnitude).find((top) => top >= value) ?? value
}

/** Tokens per second over the last minute, the newest on the right. */
export const RatePlot = ({ rates }: { rates: readonly Rate[] }) => {
  const now = rates.at(-1)?.at ?? 0
  const top = niceCeiling(Math.max(...rates.map((rate) => rate.tokensPerSecond), 1))
  const points = rates.map(({ at, tokensPerSecond }) => {
    const x = width * (1 - (now - at) / windowMs)
    const y = height - (tokensPerSecond / top) * (height - 2)
    return `${x.toFixed(1)},${y.toFixed(1)}`
  })
  const current = rates.at(-1)?.tokensPerSecond ?? 0
  const first = points[0]?.split(',')[0] ?? '0'
  return (
    <figure class="rate-plot">
      <figcaption>
        <strong>{current.toFixed(0)}</strong> tokens per second
        <span class="scale">{top}</span>
      </figcaption>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Tokens per second over the last minute, now ${current.toFixed(0)}`}
      >
        <polygon points={`${first},${height} ${points.join(' ')} ${width},${height}`} />
        <polyline points={points.join(' ')} />
      </svg>
    </figure>
  )
}
