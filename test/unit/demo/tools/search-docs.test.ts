import { describe, expect, it } from 'vitest'
import {
  docsSearch,
  excerpt,
  rankPages,
  splitByHeading,
} from '../../../../demo/tools/search-docs.ts'

const pages = [
  { title: 'Tabs', text: 'One engine serves all tabs of an origin.' },
  { title: 'Prefix caching', text: 'Requests that share a beginning share its blocks.' },
  { title: 'Storage', text: 'Files are cached on disk, so prefixes of a path name a folder.' },
]

describe('splitByHeading', () => {
  it('makes a page of each heading and drops the markup', () => {
    const markdown = [
      'before any heading',
      '# Quire',
      'A **fast** [engine](https://example.org).',
      '## Install ##',
      '```sh',
      '# not a heading',
      'npm install quire-llm',
      '```',
      '### Empty',
    ].join('\n')
    expect(splitByHeading(markdown)).toEqual([
      { title: 'Quire', text: 'A fast engine.' },
      { title: 'Install', text: 'not a heading npm install quire-llm' },
    ])
  })
})

describe('rankPages', () => {
  it('puts a hit in the title first', () => {
    expect(rankPages(pages, 'prefix cache', 3).map((page) => page.title)).toEqual([
      'Prefix caching',
      'Storage',
    ])
  })

  it('finds other forms of a word', () => {
    expect(rankPages(pages, 'sharing', 1)[0]?.title).toBe('Prefix caching')
  })

  it('finds nothing for stop words and strangers', () => {
    expect(rankPages(pages, 'what is the quandrix', 3)).toEqual([])
  })
})

describe('excerpt', () => {
  const page = {
    title: 'Long',
    text: 'The first sentence is about nothing. The second names the scheduler. The third ends it.',
  }

  it('begins where the words are', () => {
    expect(excerpt(page, 'scheduler', 200)).toBe(
      'The second names the scheduler. The third ends it.',
    )
  })

  it('keeps to its length', () => {
    expect(excerpt(page, 'scheduler', 20)).toHaveLength(20)
  })
})

describe('search_docs', () => {
  it('answers from the documentation', () => {
    const { signal } = new AbortController()
    const { results } = docsSearch.run({ query: 'how do I install it' }, signal) as {
      results: { title: string; text: string }[]
    }
    expect(results[0]?.text).toContain('npm install quire-llm')
    expect(results.length).toBeLessThanOrEqual(2)
  })
})
