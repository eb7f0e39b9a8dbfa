import { useEffect, useRef } from 'preact/hooks'
import type { EngineStats } from '../../src/index.ts'
import { colorOf } from './sequence-colors.ts'

const maxHeightPx = 168
const cellSizes = [14, 12, 10, 8, 7, 6, 5, 4, 3, 2]

/** The largest cell at which all blocks fit under the height. */
const chooseCell = (numBlocks: number, width: number): number =>
  cellSizes.find((cell) => {
    const columns = Math.floor(width / cell)
    return Math.ceil(numBlocks / columns) * cell <= maxHeightPx
  }) ?? 2

type Paint = {
  readonly context: CanvasRenderingContext2D
  readonly style: CSSStyleDeclaration
  readonly cell: number
  readonly columns: number
}

/** A block that several sequences share shows all their colours, side by side. */
const paintBlock = (paint: Paint, block: EngineStats['blocks'][number], index: number): void => {
  const { context, style, cell, columns } = paint
  const x = (index % columns) * cell
  const y = Math.floor(index / columns) * cell
  const size = cell - (cell > 4 ? 2 : 1)
  const colors = block.requestIds.map((id) => `--sequence-${colorOf(id)}`)
  const names = colors.length > 0 ? colors : [block.cached ? '--block-cached' : '--block-free']
  const stripe = size / names.length
  names.forEach((name, part) => {
    context.fillStyle = style.getPropertyValue(name)
    context.fillRect(x + part * stripe, y, stripe, size)
  })
}

const paintMap = (canvas: HTMLCanvasElement, blocks: EngineStats['blocks']): void => {
  const width = canvas.clientWidth
  const context = canvas.getContext('2d')
  if (!context || width === 0) return
  const cell = chooseCell(blocks.length, width)
  const columns = Math.floor(width / cell)
  const height = Math.ceil(blocks.length / columns) * cell
  const scale = devicePixelRatio
  canvas.style.height = `${height}px`
  canvas.width = width * scale
  canvas.height = height * scale
  context.scale(scale, scale)
  const paint = { context, style: getComputedStyle(canvas), cell, columns }
  blocks.forEach((block, index) => paintBlock(paint, block, index))
}

/** Every KV block as a square, in the colour of the sequence that holds it. */
export const BlockMap = ({ blocks }: { blocks: EngineStats['blocks'] }) => {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    if (canvas.current) paintMap(canvas.current, blocks)
  })
  const numHeld = blocks.filter((block) => block.requestIds.length > 0).length
  const numCached = blocks.filter((block) => block.requestIds.length === 0 && block.cached).length
  const numFree = blocks.length - numHeld - numCached
  return (
    <figure class="block-map">
      <canvas
        ref={canvas}
        role="img"
        aria-label={`${blocks.length} blocks: ${numHeld} held, ${numCached} cached, ${numFree} free`}
      />
      <figcaption>
        <span class="key is-held">{numHeld} held</span>
        <span class="key is-cached">{numCached} cached</span>
        <span class="key is-free">{numFree} free</span>
      </figcaption>
    </figure>
  )
}
