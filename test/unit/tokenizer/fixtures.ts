import { readdirSync, readFileSync } from 'node:fs'
import { loadTokenizer, type Tokenizer } from '../../../src/tokenizer/tokenizer.ts'

const readJson = (url: URL) => JSON.parse(readFileSync(url, 'utf8'))

const folder = new URL('../../fixtures/tokenizer/', import.meta.url)

type Decoding = {
  readonly ids: readonly number[]
  readonly decoded: string
  readonly decodedWithoutSpecial: string
}

/** What Rust tokenizers answers, from test/reference/make_tokenizer_fixtures.py. */
export type TokenizerFixture = {
  readonly tokenizerJson: { readonly decoder: unknown }
  /** Fields that are not there repeat: `decoded` the text, the others the field without suffix. */
  readonly cases: readonly {
    readonly text: string
    readonly ids: readonly number[]
    readonly idsWithSpecial?: readonly number[]
    readonly decoded?: string
    readonly decodedWithoutSpecial?: string
  }[]
  /** Lists of random ids. */
  readonly decodings: readonly Decoding[]
}

/** Every fixture but the chat templates' is a tokenizer of the kind that its name says. */
export const tokenizerKinds: readonly string[] = readdirSync(folder)
  .map((file) => file.replace(/\.json$/, ''))
  .filter((name) => name !== 'chat-templates')

export const readTokenizerFixture = (kind: string): TokenizerFixture =>
  readJson(new URL(`${kind}.json`, folder))

export const loadKind = (kind: string): Tokenizer =>
  loadTokenizer({ tokenizerJson: readTokenizerFixture(kind).tokenizerJson, tokenizerConfig: {} })

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

export const readChatFixture = (): ChatFixture => readJson(new URL('chat-templates.json', folder))

const starter = new URL('../../../demo/public/starter-model/', import.meta.url)

/** The shipped model's own files. Their vocabulary may change: no test relies on its ids. */
export const readStarterFiles = (): { tokenizerJson: unknown; tokenizerConfig: unknown } => ({
  tokenizerJson: readJson(new URL('tokenizer.json', starter)),
  tokenizerConfig: readJson(new URL('tokenizer_config.json', starter)),
})
