import { readFileSync } from 'node:fs'

const readJson = (url: URL) => JSON.parse(readFileSync(url, 'utf8'))

/** What Rust tokenizers answers, from test/reference/make_tokenizer_fixtures.py. */
export type TokenizerFixture = {
  readonly tokenizerJson: unknown
  readonly cases: readonly {
    readonly text: string
    readonly ids: readonly number[]
    readonly idsWithSpecial: readonly number[]
    readonly decoded: string
    readonly decodedWithoutSpecial: string
  }[]
}

export const readTokenizerFixture = (name: string): TokenizerFixture =>
  readJson(new URL(`../../fixtures/tokenizer/${name}.json`, import.meta.url))

/** What transformers' apply_chat_template answers; `arguments` are its own. */
export type ChatFixture = {
  readonly templates: Readonly<Record<string, string>>
  readonly tokens: { readonly bosToken: string; readonly eosToken: string }
  readonly cases: readonly {
    readonly template: string
    readonly arguments: Readonly<Record<string, unknown>>
    readonly rendered?: string
    readonly error?: string
  }[]
}

export const readChatFixture = (): ChatFixture =>
  readJson(new URL('../../fixtures/tokenizer/chat-templates.json', import.meta.url))

const starter = new URL('../../../demo/public/starter-model/', import.meta.url)

/** The shipped model's own files. Their vocabulary may change: no test relies on its ids. */
export const readStarterFiles = (): { tokenizerJson: unknown; tokenizerConfig: unknown } => ({
  tokenizerJson: readJson(new URL('tokenizer.json', starter)),
  tokenizerConfig: readJson(new URL('tokenizer_config.json', starter)),
})
