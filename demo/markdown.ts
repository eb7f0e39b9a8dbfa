import DOMPurify from 'dompurify'
import { Marked, type Token, type Tokens } from 'marked'

const escapeHtml = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')

const isSafeUrl = (url: string): boolean => /^(?:https?:|mailto:|#)/i.test(url.trim())

const linkTo = (href: string, label: string): string =>
  isSafeUrl(href)
    ? `<a href="${escapeHtml(href)}" target="_blank" rel="noopener noreferrer">${label}</a>`
    : label

const codeBlock = ({ text, lang = '' }: Tokens.Code): string => {
  const language = lang.split(/\s/)[0] ?? ''
  return (
    `<div class="code"><div class="code-bar"><span>${escapeHtml(language || 'text')}</span>` +
    `<button type="button" class="copy-code">Copy code</button></div>` +
    `<pre tabindex="0"><code>${escapeHtml(text)}</code></pre></div>`
  )
}

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    // A model's HTML is text to read, not markup to follow.
    html: ({ text }) => escapeHtml(text),
    // A remote picture would tell its server what is being read.
    image: ({ href, text }) => linkTo(href, escapeHtml(text || href)),
    link({ href, tokens }) {
      return linkTo(href, this.parser.parseInline(tokens))
    },
    code: codeBlock,
    table(token) {
      const cells = (row: Tokens.TableCell[]) => row.map((cell) => this.tablecell(cell)).join('')
      const head = this.tablerow({ text: cells(token.header) })
      const body = token.rows.map((row) => this.tablerow({ text: cells(row) })).join('')
      return `<div class="table"><table><thead>${head}</thead><tbody>${body}</tbody></table></div>`
    },
  },
})

const allowed = {
  ALLOWED_TAGS:
    'a b blockquote br button code del div em h1 h2 h3 h4 h5 h6 hr i input li ol p pre s span strong sub sup table tbody td th thead tr ul'.split(
      ' ',
    ),
  ALLOWED_ATTR: 'align checked class disabled href rel start tabindex target type'.split(' '),
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
}

/** The top-level blocks of a text: while it streams, all but the last stay as they are. */
export const splitBlocks = (text: string): Token[] =>
  marked.lexer(text).filter((token) => token.type !== 'space')

/** HTML of one block. Raw HTML, unsafe links and pictures are defused here already. */
export const renderBlock = (block: Token): string => marked.parser([block])

/** The second net under {@link renderBlock}; needs a DOM. */
export const sanitize = (html: string): string => DOMPurify.sanitize(html, allowed)
