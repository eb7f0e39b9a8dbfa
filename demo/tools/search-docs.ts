import { guide, type Page } from './guide.ts'
import { normalizeName, textArgument, type Tool } from './tool.ts'

// The glob is empty in a checkout without a README, where an import would fail the build.
const readme = Object.values(
  import.meta.glob<string>('../../README.md', { query: '?raw', import: 'default', eager: true }),
)

const plainText = (markdown: string): string =>
  markdown
    .replace(/^\s*```.*$/gm, '')
    .replace(/!\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/^\s*\|?[-:| ]+\|?\s*$/gm, '')
    .replace(/[*`|>#]+/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()

/** Cuts Markdown into one page a heading; headings inside code fences do not count. */
export const splitByHeading = (markdown: string): Page[] => {
  const pages: { title: string; lines: string[] }[] = []
  let isFenced = false
  for (const line of markdown.split('\n')) {
    if (line.trimStart().startsWith('```')) isFenced = !isFenced
    const heading = isFenced ? null : /^#{1,4}\s+(.*?)\s*#*$/.exec(line)
    if (heading) pages.push({ title: plainText(heading[1] ?? ''), lines: [] })
    else pages.at(-1)?.lines.push(line)
  }
  return pages
    .map(({ title, lines }) => ({ title, text: plainText(lines.join('\n')) }))
    .filter(({ text }) => text !== '')
}

const stopWords = new Set(
  'a about an and are as at be by can do does for from how i in is it me of on or that the this to what when where which with you'.split(
    ' ',
  ),
)

/** Words as they are compared: endings cut so that "caching" finds "cache". */
const stems = (text: string): string[] =>
  (normalizeName(text).match(/[\p{L}\p{N}]+/gu) ?? [])
    .filter((word) => !stopWords.has(word))
    .map((word) => (word.length > 4 ? word.replace(/(?:ing|ed|es|s|e)$/, '') : word))

const titleWeight = 4

/**
 * Ranks pages by BM25 (k1 = 1.2, b = 0.75; Robertson and Zaragoza, 2009), words of the title
 * counting four times.
 */
export const rankPages = (pages: readonly Page[], query: string, limit: number): Page[] => {
  const documents = pages.map((page) => {
    const words = stems(page.text)
    for (let i = 0; i < titleWeight; i++) words.push(...stems(page.title))
    return words
  })
  const averageLength = documents.reduce((sum, words) => sum + words.length, 0) / documents.length
  const scores = documents.map(() => 0)
  for (const word of new Set(stems(query))) {
    const counts = documents.map((words) => words.filter((other) => other === word).length)
    const holders = counts.filter((count) => count > 0).length
    const weight = Math.log(1 + (documents.length - holders + 0.5) / (holders + 0.5))
    counts.forEach((count, index) => {
      const length = (documents[index]?.length ?? 0) / averageLength
      scores[index] =
        (scores[index] ?? 0) + (weight * count * 2.2) / (count + 1.2 * (0.25 + 0.75 * length))
    })
  }
  return pages
    .map((page, index) => ({ page, score: scores[index] ?? 0 }))
    .filter(({ score }) => score > 0)
    .toSorted((left, right) => right.score - left.score)
    .slice(0, limit)
    .map(({ page }) => page)
}

/** The sentences around the query's words, whole, up to a length that a small context can hold. */
export const excerpt = (page: Page, query: string, maxLength: number): string => {
  const words = new Set(stems(query))
  const sentences = page.text.match(/[^.!?]+(?:[.!?]+(?=\s|$)|$)|[^\s]+/g) ?? [page.text]
  const hits = sentences.map((sentence) => stems(sentence).filter((word) => words.has(word)).length)
  const start = Math.max(0, hits.indexOf(Math.max(...hits)))
  let text = (sentences[start] ?? '').trim()
  for (const sentence of sentences.slice(start + 1)) {
    if (text.length + sentence.length > maxLength) break
    text += ` ${sentence.trim()}`
  }
  return text.length > maxLength ? `${text.slice(0, maxLength - 1).trimEnd()}…` : text
}

const pages = [...guide, ...readme.flatMap(splitByHeading)]

export const docsSearch: Tool = {
  name: 'search_docs',
  description: "Searches Quire's documentation.",
  parameters: {
    type: 'object',
    properties: { query: { type: 'string' } },
    required: ['query'],
  },
  run: (args) => {
    const query = textArgument(args, 'query')
    const found = rankPages(pages, query, 2)
    return {
      results: found.map((page) => ({ title: page.title, text: excerpt(page, query, 160) })),
    }
  },
}
