import type { WithIds } from './call-ids.ts'
import { channelledCalls } from './channelled-formats.ts'
import type { ChannelledCalls } from './grammars/channelled-calls.ts'
import type { MarkedCalls } from './grammars/marked-calls.ts'
import type { TaggedCalls } from './grammars/tagged-calls.ts'
import { between, marked, markedFormats } from './marked-formats.ts'
import { tagged, taggedFormats } from './tagged-formats.ts'

/** A model that writes its calls in one of two ways, as the first text behind a marker tells. */
export type EitherCalls = {
  readonly kind: 'either-calls'
  readonly marker: string
  readonly json: MarkedCalls
  readonly tagged: TaggedCalls
}

/** A tool parser's data, all of it JSON. Its `kind` names the interpreter that reads it. */
export type ToolFormat = WithIds<MarkedCalls | TaggedCalls | EitherCalls | ChannelledCalls>

/*
 * Names and markers are vLLM's. Where we differ on purpose:
 *
 * | format | vLLM | here |
 * |---|---|---|
 * | all | text after or between calls may be dropped | kept as content, lone white space apart |
 * | all | one malformed call turns the whole output into content, or loses it | that call alone becomes content |
 * | all | markers inside quoted strings end the call | strings are read as strings |
 * | all | arguments that stop being JSON are sent as they are | quotes, line breaks, commas, bare words are put right; else they are closed there, and the rest is content |
 * | all | an output that stops inside a call leaves its arguments open | closed; only one cut off by its length stays open |
 * | all | one more call that has no name yet when the output stops | dropped behind calls, else content |
 * | all | streamed and whole answers differ in many cases | they are the same |
 * | all | white space around the text in front of calls may be dropped, unless streamed | kept |
 * | JSON formats | string arguments are encoded a second time | the JSON in the string is sent |
 * | JSON formats | no arguments: no delta (hermes) | `{}` |
 * | JSON formats | arguments parsed and dumped anew (llama3_json, jamba, xlam) | sent as generated |
 * | JSON formats | `parameters` is no call (hermes and others) | read as `arguments` |
 * | JSON formats | one call alone (internlm, gigachat3) | any number |
 * | xlam, granite, phi4_mini_json, granite-20b-fc, functiongemma, ernie45 | streamed in one piece, badly, or not at all | streamed |
 * | llama3_json, llama4_json | streamed, no calls behind other text | read |
 * | cohere_command3 | the model's own ids, which count from 0 in each answer | ids of ours |
 * | hunyuan_a13b | the first `助手：` is cut out | kept |
 * | kimi_k2 | a header without a number is no call | a call with an id of ours |
 * | deepseek_v3, deepseek_v31 | arguments over several lines lose the call | read |
 * | pythonic, llama4_pythonic | a space behind the bracket or a dot in a name is no call | read |
 * | Python formats | positional arguments dropped | such a call is content |
 * | tagged formats | a last parameter that is cut off is dropped | dropped unless it is a string |
 * | minicpm5 | other attributes and misspelt tags repaired | other attributes skipped |
 */

export const toolFormats: Readonly<Record<string, ToolFormat>> = {
  ...markedFormats,
  ...taggedFormats,
  dots: {
    kind: 'either-calls',
    marker: '<dots_function_call>',
    json: marked(between('<dots_function_call>', '</dots_function_call>')),
    tagged: tagged('dots_function_call', { trims: 'space' }),
    ids: 'chatcmpl-tool',
  },
  ...channelledCalls,
}

/** What a model writes that is held to plain JSON because a call is required. */
export const requiredCalls: ToolFormat = marked({ bare: 'start' })
