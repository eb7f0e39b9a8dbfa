import type { Token } from 'marked'
import { useMemo } from 'preact/hooks'
import { announce } from '../state/announcer.ts'
import { renderBlock, sanitize, splitBlocks } from '../markdown.ts'

/** One block. While a text grows only its last block changes, so the others are not built again. */
const Block = ({ block }: { block: Token }) => {
  const html = useMemo(() => sanitize(renderBlock(block)), [block.raw])
  return <div class="block" dangerouslySetInnerHTML={{ __html: html }} />
}

const copyCode = (event: MouseEvent): void => {
  const button = event.target instanceof Element ? event.target.closest('.copy-code') : null
  const code = button?.closest('.code')?.querySelector('code')
  if (!button || !code) return
  navigator.clipboard.writeText(code.textContent).then(
    () => announce('Code copied.'),
    () => announce('The browser did not allow copying.'),
  )
}

export const MarkdownView = ({ text }: { text: string }) => {
  const blocks = useMemo(() => splitBlocks(text), [text])
  return (
    <div class="markdown" onClick={copyCode}>
      {blocks.map((block, index) => (
        <Block key={index} block={block} />
      ))}
    </div>
  )
}
