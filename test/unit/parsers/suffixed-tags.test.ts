import { expect, test } from 'vitest'
import { detectParsers } from '../../../src/parsers/detect.ts'
import { collectOutput, createOutputParser, parseOutput } from '../../../src/parsers/index.ts'
import { findReasoningFormat, findToolFormat } from '../../../src/parsers/registry.ts'
import { inVocabulary } from '../../../src/parsers/suffixed-tags.ts'

const suffix = (tag: string) => tag.replace('>', ':v1>')
const tags = ['think', 'tool_calls', 'tool_call', 'tool_sep', 'arg_key', 'arg_value'].flatMap(
  (name) => [suffix(`<${name}>`), suffix(`</${name}>`)],
)

test('a tag is what the vocabulary calls it', () => {
  const format = {
    open: '<call>',
    close: '\n</call><end>',
    call: 'call',
    other: ['<key>', 1, null],
  }
  expect(inVocabulary(format, ['<call:$&>', '</call:$&>', '<key:v1>', '<key>', 'end:v1>'])).toEqual(
    {
      open: '<call:$&>',
      close: '\n</call:$&><end>',
      call: 'call',
      other: ['<key>', 1, null],
    },
  )
  expect(inVocabulary(format, ['<call>', '<|call:v1|>'])).toBe(format)
})

test('tokens that have a colon of their own rename nothing', () => {
  const names = ['seed_oss', 'minimax_m2'].map((name) => findToolFormat(name))
  const tokens = ['<seed:tool_call>', '<seed:think>', '<minimax:tool_call>', '</minimax:tool_call>']
  expect(['seed_oss', 'minimax_m2'].map((name) => findToolFormat(name, tokens))).toEqual(names)
  expect(findReasoningFormat('seed_oss', tokens)).toEqual(findReasoningFormat('seed_oss'))
})

const text =
  'Hm.</think:v1><tool_calls:v1>\n<tool_call:v1>f<tool_sep:v1>\n' +
  '<arg_key:v1>a</arg_key:v1>\n<arg_value:v1></arg_value> & <tool_call></arg_value:v1>\n' +
  '</tool_call:v1>\n</tool_calls:v1>'
const options = {
  toolParser: 'hy_v3',
  reasoningParser: 'hy_v3',
  promptTail: '<｜hy_Assistant:v1｜><think:v1>',
}
const expected = {
  reasoning: 'Hm.',
  content: null,
  toolCalls: [{ name: 'f', arguments: '{"a": "</arg_value> & <tool_call>"}' }],
}

test('an output with such tags', () => {
  expect(parseOutput(text, { ...options, specialTokens: tags })).toMatchObject(expected)
  expect(parseOutput(text, options).toolCalls).toEqual([])
})

test('an output with such tags, by token', () => {
  const addedTokens = new Map(tags.map((tag, id) => [tag, { id }]))
  const parser = createOutputParser({ ...options, addedTokens })
  const pieces = text.split(/(<[^<>]+:v1>)/)
  const deltas = pieces.flatMap((piece) =>
    parser.push(piece, [addedTokens.get(piece)?.id ?? tags.length]),
  )
  expect(collectOutput([...deltas, ...parser.finish('stop')], 'stop')).toMatchObject(expected)
})

test('a template with such tags', () => {
  const chatTemplate =
    "{{ reasoning_effort }}{{ '<think:v1></think:v1>' }}<tool_calls:v1><tool_call:v1>f<tool_sep:v1>"
  expect(detectParsers({ architecture: '', chatTemplate, addedTokens: new Map() })).toEqual({
    toolParser: 'hy_v3',
    reasoningParser: 'hy_v3',
  })
})
