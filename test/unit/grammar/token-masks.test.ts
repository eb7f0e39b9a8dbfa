import { describe, expect, it } from 'vitest'
import { createGrammars } from '../../../src/grammar/grammars.ts'
import { accepts, compileSchema, connectHere, toyGrammars } from './toy-grammars.ts'
import {
  allowedIds,
  byteIds,
  endId,
  endThinkId,
  thinkId,
  toyTokenizer,
  toyVocabSize,
} from './toy-vocabulary.ts'

const everyId = Array.from({ length: toyVocabSize }, (_, id) => id)
const textOf = (id: number) => toyTokenizer.idToToken(id) ?? ''
const ids = (text: string) => toyTokenizer.encode(text, { addSpecialTokens: false })

/** All texts of a choice; what may follow a start of one is what begins one of the rests. */
const bruteForce = (texts: readonly string[], start: string): number[] => {
  const rests = texts
    .filter((text) => text.startsWith(start))
    .map((text) => text.slice(start.length))
  return everyId.filter((id) => {
    if (id === endId) return rests.includes('')
    const text = toyTokenizer.decode([id])
    return text !== '' && id < endId && rests.some((rest) => rest.startsWith(text))
  })
}

const call = (name: string, parameters: unknown) => ({
  begins: [0, 1, 2].map((index) => `<${name}:${index}>`),
  parameters,
  end: '</>',
})

const compileTag = (tag: unknown) =>
  toyGrammars.compile({ kind: 'structural-tag', tag, options: {} })

describe('masks', () => {
  const choices = ['ab', 'abc', 'abab12', 'true', '"}', '{"ab": "c"}', '12']

  it('allow just the tokens that can go on, as a search over all of them finds', async () => {
    const constraint = await toyGrammars.compile({ kind: 'choice', choices })
    for (const choice of choices) {
      for (let length = 0; length <= choice.length; length += 1) {
        const start = choice.slice(0, length)
        const allowed = allowedIds(await constraint.createTokenMask()(byteIds(start)))
        expect({ start, allowed }).toEqual({ start, allowed: bruteForce(choices, start) })
      }
    }
  })

  it('do not depend on how the text before was split into tokens', async () => {
    const constraint = await toyGrammars.compile({ kind: 'choice', choices: ['{"abc": "😀é"}'] })
    const [wide = 0] = ids('abc')
    expect(textOf(wide)).toBe('a')
    const merged = everyId.find((id) => textOf(id) === 'abc') ?? 0
    const afterWide = constraint.createTokenMask()([...byteIds('{"'), merged])
    const afterBytes = constraint.createTokenMask()(byteIds('{"abc'))
    expect(allowedIds(await afterWide)).toEqual(allowedIds(await afterBytes))
  })

  it('go on from a shorter output, as after a lost device', async () => {
    const constraint = await toyGrammars.compile({ kind: 'choice', choices })
    const mask = constraint.createTokenMask()
    const early = allowedIds(await mask(byteIds('ab')))
    await mask(byteIds('abc'))
    expect(allowedIds(await mask(byteIds('abc')))).toEqual([endId])
    expect(allowedIds(await mask(byteIds('ab')))).toEqual(early)
    expect(allowedIds(await mask(byteIds('aba')))).toEqual(bruteForce(choices, 'aba'))
  })

  it('leave nothing but the end behind an answer that is complete or has left the constraint', async () => {
    const constraint = await toyGrammars.compile({ kind: 'choice', choices: ['ab'] })
    const mask = constraint.createTokenMask()
    expect(allowedIds(await mask([...byteIds('ab'), endId]))).toEqual([endId])
    expect(allowedIds(await mask([...byteIds('ab'), endId, endId]))).toEqual([endId])
    expect(allowedIds(await constraint.createTokenMask()(byteIds('x')))).toEqual([endId])
    expect(allowedIds(await constraint.createTokenMask()([thinkId]))).toEqual([endId])
  })

  it('never hold special tokens, markers that are kept apart', async () => {
    const tagged = { kind: 'regex', pattern: '<think>x|[^z]*' } as const
    const plain = await toyGrammars.compile(tagged)
    expect(allowedIds(await plain.createTokenMask()([]))).not.toContain(thinkId)
    const stopTokenIds = [endId]
    const connect = connectHere
    const options = { tokenizer: toyTokenizer, vocabSize: toyVocabSize, stopTokenIds, connect }
    const withMarker = await createGrammars({ ...options, markers: ['<think>'] }).compile(tagged)
    expect(allowedIds(await withMarker.createTokenMask()([]))).toContain(thinkId)
    const forbidding = withMarker.createTokenMask({ forbiddenIds: [thinkId] })
    expect(allowedIds(await forbidding([]))).not.toContain(thinkId)
  })

  it('of one constraint follow many answers at once', async () => {
    const constraint = await toyGrammars.compile({ kind: 'choice', choices })
    const [a, b] = [constraint.createTokenMask(), constraint.createTokenMask()]
    await a(byteIds('abc'))
    expect(allowedIds(await b(byteIds('t')))).toEqual(bruteForce(choices, 't'))
    expect(allowedIds(await a(byteIds('abc')))).toEqual([endId])
  })
})

describe('thinking in front of the answer', () => {
  const choices = ['ab', '12']
  const markers = { startId: thinkId, ends: ['</think>'], endedBy: [], forbiddenIds: [endId] }
  const masks = async (thinking: Partial<Parameters<typeof Object.assign>[0]>) => {
    const constraint = await toyGrammars.compile({ kind: 'choice', choices })
    return constraint.createTokenMask({ thinking: { begins: 'thinking', ...markers, ...thinking } })
  }

  it('is free but for the end of the output', async () => {
    const mask = await masks({})
    const thought = byteIds('so')
    expect(allowedIds(await mask([]))).toEqual(everyId.filter((id) => id !== endId))
    expect(allowedIds(await mask(thought))).toEqual(everyId.filter((id) => id !== endId))
    expect(allowedIds(await mask([...thought, endThinkId]))).toEqual(bruteForce(choices, ''))
    const answered = [...thought, endThinkId, ...byteIds('a')]
    expect(allowedIds(await mask(answered))).toEqual(bruteForce(choices, 'a'))
    expect(allowedIds(await mask(thought))).toEqual(everyId.filter((id) => id !== endId))
  })

  it('may begin where the output may begin with it', async () => {
    const mask = await masks({ begins: 'either' })
    expect(allowedIds(await mask([]))).toEqual(
      [...bruteForce(choices, ''), thinkId].toSorted((a, b) => a - b),
    )
    expect(allowedIds(await mask([thinkId]))).toEqual(everyId.filter((id) => id !== endId))
    const direct = await masks({ begins: 'either' })
    expect(allowedIds(await direct(byteIds('1')))).toEqual(bruteForce(choices, '1'))
  })

  it('ends by a marker that is spelled, with what shares its last token', async () => {
    const mask = await masks({ ends: ['[/t]'] })
    expect(allowedIds(await mask(byteIds('hm [/t]')))).toEqual(bruteForce(choices, ''))
    const shared = await masks({ ends: ['[/t'], endedBy: [] })
    const brace = everyId.find((id) => textOf(id) === '12') ?? 0
    expect(allowedIds(await shared([...byteIds('[/t'), brace]))).toEqual([endId])
  })

  it('ends by the first text of the answer itself', async () => {
    const mask = await masks({ endedBy: ['ab'] })
    expect(allowedIds(await mask(byteIds('hm ab')))).toEqual([endId])
  })
})

describe('what a request brings along', () => {
  it('is a grammar in EBNF', async () => {
    const text = 'root ::= greeting " " name\ngreeting ::= "hi" | "hello"\nname ::= [A-Z] [a-z]+'
    const constraint = await toyGrammars.compile({ kind: 'grammar', text })
    expect(await accepts(constraint, 'hello Ada')).toBe(true)
    expect(await accepts(constraint, 'hello ada')).toBe(false)
  })

  it.each([
    ['root ::= "a', 'line 1, column 12: Expect " in string literal'],
    ['root ::= a', 'Rule "a" is not defined'],
    ['x ::= "a"', 'root'],
  ])('is refused with its place: %s', async (text, message) => {
    await expect(toyGrammars.compile({ kind: 'grammar', text })).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringContaining(message),
    })
    const good = await compileSchema({ type: 'boolean' })
    expect(await accepts(good, 'true')).toBe(true)
  })

  it('is a structural tag, in the newer form and the older', async () => {
    const schema = { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] }
    const tag = { begin: '<f=x>', end: '</f>' }
    const content = { type: 'json_schema', json_schema: schema }
    const format = {
      type: 'triggered_tags',
      triggers: ['<f='],
      tags: [{ type: 'tag', ...tag, content }],
    }
    const structures = [{ ...tag, schema }]
    for (const given of [{ format }, { structures, triggers: ['<f='] }]) {
      const constraint = await toyGrammars.compile({
        kind: 'structural-tag',
        tag: given,
        options: {},
      })
      expect(await accepts(constraint, 'so: <f=x>{"a":1}</f> and')).toBe(true)
      expect(await accepts(constraint, 'nothing')).toBe(true)
      expect(await accepts(constraint, '<f=x>{"a":"b"}</f>')).toBe(false)
      expect(await accepts(constraint, '<f=y>')).toBe(false)
    }
  })

  it('is refused with the place in a structural tag', async () => {
    await expect(compileTag(3)).rejects.toThrow('The structural tag is no object.')
    await expect(compileTag({ format: { type: 'x' } })).rejects.toThrow('type "x". (at $.format)')
    const bad = { type: 'sequence', elements: [{ type: 'json_schema', json_schema: { not: {} } }] }
    await expect(compileTag({ format: bad })).rejects.toThrow(
      '(at $.format.elements[0].json_schema)',
    )
    const format = { type: 'json_schema', json_schema: {}, style: 'qwen_xml' }
    await expect(compileTag({ format })).rejects.toThrow('in the style "qwen_xml". (at $.format)')
    const structures = [{ begin: 'a', end: 'b', schema: {} }]
    await expect(compileTag({ structures, triggers: ['x'] })).rejects.toThrow(
      'The grammar is invalid',
    )
  })

  it('is a regular expression that must match from end to end', async () => {
    const constraint = await toyGrammars.compile({
      kind: 'regex',
      pattern: String.raw`^\d{2}-(a|é)+.$`,
    })
    expect(await accepts(constraint, '12-aéa!')).toBe(true)
    expect(await accepts(constraint, '12-aéa😀')).toBe(true)
    expect(await accepts(constraint, '12-')).toBe(false)
    expect(await accepts(constraint, 'x12-aa')).toBe(false)
  })

  it.each([
    ['a(', 'a ( without its )'],
    ['a[b', 'ends too early'],
    ['a)', 'a ) without its (, at character 2'],
    ['*a', 'repeats nothing, at character 1'],
    ['a**', 'repeats a repetition'],
    ['[z-a]', 'a range that is none'],
    ['[]', 'a class without characters'],
    ['a{3,2}', 'ends before it begins'],
    ['a{99999}', 'more than 10000 times'],
    ['a^b', 'an anchor in its middle'],
    [String.raw`\bword`, String.raw`has \b, which Quire can not keep`],
    [String.raw`(a)\1`, String.raw`has \1`],
    [String.raw`\ud800`, 'an escape that is no character'],
  ])('is refused as a regular expression: %s', async (pattern, message) => {
    await expect(toyGrammars.compile({ kind: 'regex', pattern })).rejects.toThrow(message)
  })

  it('lays JSON out as it says', async () => {
    const schema = { type: 'array', items: { type: 'integer' } }
    const compile = (options: object) => toyGrammars.compile({ kind: 'json', schema, options })
    const compact = await compile({ disableAnyWhitespace: true })
    expect(await accepts(compact, '[1, 2]')).toBe(true)
    expect(await accepts(compact, '[1,2]')).toBe(false)
    const tight = await compile({ whitespacePattern: '' })
    expect(await accepts(tight, '[1,2]')).toBe(true)
    expect(await accepts(tight, '[1, 2]')).toBe(false)
    await expect(compile({ whitespacePattern: 'x' })).rejects.toThrow('nothing but white space')
  })
})

describe('tool calls', () => {
  const calls = [
    call('f', { type: 'object', properties: { a: { type: 'integer' } } }),
    call('g', true),
  ]
  const around = { kind: 'tool-calls', calls, open: '[', separator: ';', close: ']' } as const

  it('are one or more, numbered where the format numbers them', async () => {
    const constraint = await toyGrammars.compile({ ...around, single: false })
    expect(await accepts(constraint, '[<f:0>{"a":1}</>]')).toBe(true)
    expect(await accepts(constraint, '[<g:0>null</>;<f:1>{}</>;<f:2>{}</>]')).toBe(true)
    expect(await accepts(constraint, '[<g:0>null</>;<f:0>{}</>]')).toBe(false)
    expect(await accepts(constraint, '[]')).toBe(false)
    expect(await accepts(constraint, '[<f:0>{"a":"b"}</>]')).toBe(false)
  })

  it('are one alone where that is asked for', async () => {
    const constraint = await toyGrammars.compile({ ...around, single: true })
    expect(await accepts(constraint, '[<g:0>null</>]')).toBe(true)
    expect(await accepts(constraint, '[<g:0>null</>;<f:1>{}</>]')).toBe(false)
  })
})
