import { describe, expect, it } from 'vitest'
import { renderBlock, sanitize, splitBlocks } from '../../../demo/markdown.ts'

const show = (markdown: string): HTMLElement => {
  const page = document.createElement('div')
  page.innerHTML = splitBlocks(markdown)
    .map((block) => sanitize(renderBlock(block)))
    .join('')
  return page
}

describe('sanitize', () => {
  it.each([
    '<img src=x onerror="alert(1)">',
    '<svg><script>alert(1)</script></svg>',
    '<a href="javascript:alert(1)">x</a>',
    '<p onclick="alert(1)" style="position:fixed">x</p>',
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    '<form action="https://example.org"><input name="a"></form>',
  ])('takes the danger out of %s', (html) => {
    const clean = sanitize(html)
    expect(clean).not.toMatch(/<(img|svg|script|iframe|form)|on\w+=|javascript:|style=|name=/i)
  })

  it('keeps what the renderer makes', () => {
    const page = show('```ts\nlet x\n```\n\n| a |\n|---|\n| **b** |\n\n[q](https://example.org)')
    expect(page.querySelector('.code .copy-code')?.textContent).toBe('Copy code')
    expect(page.querySelector('.code pre')?.getAttribute('tabindex')).toBe('0')
    expect(page.querySelector('td strong')?.textContent).toBe('b')
    const link = page.querySelector('a')
    expect(link?.rel).toBe('noopener noreferrer')
    expect(link?.target).toBe('_blank')
  })
})
