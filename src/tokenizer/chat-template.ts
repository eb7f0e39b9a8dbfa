import { Interpreter, Template } from '@huggingface/jinja'
import { EngineError } from '../errors.ts'
import { adaptToPython } from './adapt-template.ts'
import { createMarker, markTexts } from './literal-marks.ts'
import { readSpecialToken } from './special-token.ts'
import { createTemplateEnvironment } from './template-environment.ts'

/** A message as chat templates expect it (Hugging Face's shape). */
export type ChatMessage = {
  readonly role: string
  readonly content?: unknown
  readonly tool_calls?: readonly unknown[]
  readonly [field: string]: unknown
}

export type ChatTemplateInput = {
  readonly messages: readonly ChatMessage[]
  readonly tools?: readonly unknown[]
  readonly documents?: readonly unknown[]
  readonly addGenerationPrompt: boolean
  readonly continueFinalMessage?: boolean
  /** Extra variables, such as `enable_thinking`. */
  readonly kwargs?: Readonly<Record<string, unknown>>
  /**
   * Special tokens that stay text where messages, tools or documents spell them. The rendered
   * prompt then carries marks: it is encoded with `marked`, or read with `removeMarks`.
   */
  readonly literalTokens?: readonly string[]
}

/** A compiled chat template: messages to prompt text. */
export type ChatTemplate = {
  /** The Jinja text; of named templates all that are used. */
  readonly source: string
  /**
   * @throws EngineError `invalid-request` with the template's own message where it refuses the
   * messages, and for `continueFinalMessage` where the final message has no text in the prompt.
   */
  render(input: ChatTemplateInput): string
}

/** Special tokens by the variable that templates know them under; null ones stay undefined. */
export type TemplateTokens = {
  readonly bosToken: string | null
  readonly eosToken: string | null
  readonly padToken?: string | null
  readonly unkToken?: string | null
  readonly sepToken?: string | null
  readonly clsToken?: string | null
  readonly maskToken?: string | null
}

const refuse = (message: string, cause?: unknown) =>
  new EngineError('invalid-request', message, cause === undefined ? {} : { cause })

const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

const withoutNulls = (fields: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null))

const reasoningFields = ['reasoning_content', 'thinking', 'reasoning']

/** As transformers 5: null fields are absent, reasoning goes by all the names templates read. */
const prepareMessage = (message: ChatMessage): ChatMessage => {
  const given: ChatMessage = { ...withoutNulls(message), role: message.role }
  const reasoning = reasoningFields.map((field) => given[field]).find((text) => text !== undefined)
  if (reasoning === undefined) return given
  return { thinking: reasoning, ...given, reasoning_content: reasoning }
}

/** Marks where the final message ends. The trailing space shows whether the template trims. */
const continueTag = 'CONTINUE_FINAL_MESSAGE_TAG '

const tagContent = (content: unknown): { readonly text: string; readonly tagged: unknown } => {
  if (typeof content === 'string') return { text: content, tagged: content + continueTag }
  if (Array.isArray(content)) {
    const parts: unknown[] = content
    const at = parts.findLastIndex((part) => partText(part) !== null)
    const text = partText(parts[at])
    if (text !== null) {
      const part = { ...Object(parts[at]), text: text + continueTag }
      return { text, tagged: parts.with(at, part) }
    }
  }
  throw refuse('continue_final_message is set but the final message has no text to continue.')
}

const partText = (part: unknown): string | null => {
  if (typeof part !== 'object' || part === null || !('text' in part)) return null
  return typeof part.text === 'string' ? part.text : null
}

/** Renders up to the end of the final message's content, as transformers does. */
const renderOpenEnded = (
  messages: readonly ChatMessage[],
  render: (messages: readonly ChatMessage[]) => string,
): string => {
  const final = messages.at(-1)
  if (!final) throw refuse('continue_final_message is set but there are no messages.')
  const { text, tagged } = tagContent(final.content)
  const rendered = render([...messages.slice(0, -1), { ...final, content: tagged }])
  const end = rendered.lastIndexOf(continueTag.trimEnd())
  if (end === -1 || !rendered.includes(text.trim())) {
    throw refuse(
      'continue_final_message is set but the final message does not appear in the chat after ' +
        'applying the chat template. The template may drop parts of it; send it as it is rendered.',
    )
  }
  const keepsSpaces = rendered.startsWith(continueTag, end)
  return keepsSpaces ? rendered.slice(0, end) : rendered.slice(0, end).trimEnd()
}

const parse = (source: string): Template['parsed'] => {
  try {
    const { parsed } = new Template(source)
    adaptToPython(parsed)
    return parsed
  } catch (error) {
    throw refuse(`The chat template can't be read: ${reasonOf(error)}`, error)
  }
}

/**
 * Compiles a Jinja chat template with the variables and functions of transformers'
 * `apply_chat_template`.
 *
 * @throws EngineError `invalid-request` for a template that does not parse.
 */
export const compileChatTemplate = (source: string, tokens: TemplateTokens): ChatTemplate => {
  const parsed = parse(source)
  const tokenVariables = withoutNulls({
    bos_token: tokens.bosToken,
    eos_token: tokens.eosToken,
    pad_token: tokens.padToken,
    unk_token: tokens.unkToken,
    sep_token: tokens.sepToken,
    cls_token: tokens.clsToken,
    mask_token: tokens.maskToken,
  })
  return {
    source,
    render: (input) => {
      const { addGenerationPrompt, continueFinalMessage = false } = input
      if (continueFinalMessage && addGenerationPrompt) {
        throw refuse(
          'Cannot set both `continue_final_message` and `add_generation_prompt` to True.',
        )
      }
      const marker = createMarker(input.literalTokens ?? [])
      const mark = <Value>(value: Value): Value =>
        input.literalTokens ? markTexts(value, marker) : value
      const tools = mark(input.tools ?? null)
      const documents = mark(input.documents ?? null)
      const render = (messages: readonly ChatMessage[]): string => {
        const environment = createTemplateEnvironment({
          ...tokenVariables,
          ...input.kwargs,
          messages,
          tools,
          documents,
          add_generation_prompt: addGenerationPrompt,
        })
        try {
          return new Interpreter(environment).run(parsed).toString()
        } catch (error) {
          throw refuse(reasonOf(error), error)
        }
      }
      const messages = mark(input.messages.map(prepareMessage))
      return continueFinalMessage ? renderOpenEnded(messages, render) : render(messages)
    },
  }
}

/** tokenizer_config.json's template: one text, or a list of named ones. */
const readTemplates = (config: unknown): ReadonlyMap<string, string> => {
  if (typeof config !== 'object' || config === null || !('chat_template' in config)) {
    return new Map()
  }
  const given: unknown = config.chat_template
  if (typeof given === 'string') return new Map([['default', given]])
  if (!Array.isArray(given)) return new Map()
  const entries: unknown[] = given
  const named = entries.flatMap((entry) => {
    if (typeof entry !== 'object' || entry === null) return []
    if (!('name' in entry) || !('template' in entry)) return []
    const { name, template } = entry
    return typeof name === 'string' && typeof template === 'string'
      ? [[name, template] as const]
      : []
  })
  return new Map(named)
}

/**
 * The chat template of a model, the `chat_template` of tokenizer_config.json. Of named templates,
 * "tool_use" serves requests with tools and "default" the others. Null where the model has none.
 *
 * @throws EngineError `invalid-file` for a template that does not parse.
 */
export const loadChatTemplate = (tokenizerConfig: unknown): ChatTemplate | null => {
  const sources = readTemplates(tokenizerConfig)
  const read = (name: string) => readSpecialToken(tokenizerConfig, name)
  const tokens = {
    bosToken: read('bos_token'),
    eosToken: read('eos_token'),
    padToken: read('pad_token'),
    unkToken: read('unk_token'),
    sepToken: read('sep_token'),
    clsToken: read('cls_token'),
    maskToken: read('mask_token'),
  }
  const compile = (name: string): ChatTemplate | null => {
    const source = sources.get(name)
    try {
      return source === undefined ? null : compileChatTemplate(source, tokens)
    } catch (error) {
      throw new EngineError('invalid-file', reasonOf(error), { cause: error })
    }
  }
  const plain = compile('default')
  const withTools = compile('tool_use')
  const first = plain ?? withTools
  if (!first || !withTools) return first
  return {
    source: [...new Set([first.source, withTools.source])].join('\n'),
    render: (input) => (input.tools ? withTools : first).render(input),
  }
}
