import { describe, expect, it } from 'vitest'
import { renderBlock, splitBlocks } from '../../../demo/markdown.ts'

const render = (markdown: string): string => splitBlocks(markdown).map(renderBlock).join('')

describe('renderBlock', () => {
  it('shows raw HTML as text', () => {
    const html = render('one <img src=x onerror=alert(1)> two\n\n<script>alert(1)</script>')
    expect(html).not.toMatch(/<(img|script)/)
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;')
    expect(html).toContain('&lt;script&gt;')
  })

  it.each(['javascript:alert(1)', ' JavaScript:alert(1)', 'data:text/html,x', 'vbscript:x'])(
    'keeps the words of a link to %s and drops the link',
    (url) => {
      const html = render(`[click](<${url}>)`)
      expect(html).not.toContain('<a')
      expect(html).toContain('click')
    },
  )

  it('opens links without handing over the page', () => {
    expect(render('[Quire](https://example.org/?a=1&b="2")')).toContain(
      '<a href="https://example.org/?a=1&amp;b=&quot;2&quot;" target="_blank" rel="noopener noreferrer">Quire</a>',
    )
  })

  it('loads no pictures', () => {
    const html = render('![chart](https://example.org/x.png)')
    expect(html).not.toContain('<img')
    expect(html).toContain('href="https://example.org/x.png"')
  })

  it('escapes code and its language', () => {
    const html = render('```<b>\n</code><script>\n```')
    expect(html).toContain('&lt;/code&gt;&lt;script&gt;')
    expect(html).toContain('<span>&lt;b&gt;</span>')
    expect(html).toContain('class="copy-code"')
  })

  it('renders a code block that is still being written', () => {
    expect(render('```ts\nconst a = 1')).toContain('<code>const a = 1</code>')
  })

  it('renders tables with their inline marks', () => {
    expect(render('| a | b |\n|---|---|\n| **1** | 2 |')).toContain('<strong>1</strong>')
  })
})

describe('splitBlocks', () => {
  it('leaves finished blocks as they are while the text grows', () => {
    const text = '# Title\n\nFirst paragraph.\n\n- one\n- two\n\n```js\nlet x\n```\n\nLast words'
    const whole = splitBlocks(text).map((block) => block.raw)
    for (let length = 0; length < text.length; length++) {
      const part = splitBlocks(text.slice(0, length)).map((block) => block.raw)
      const finished = part.slice(0, -2)
      expect(whole.slice(0, finished.length)).toEqual(finished)
    }
  })
})
