import { describe, expect, it } from 'vitest'
import { describeOptions, readCommandLine } from '../../../src/node/command-line.ts'
import { count, json, list, number, oneOf, text } from '../../../src/node/option-values.ts'
import { UsageError } from '../../../src/node/usage-error.ts'

const table = {
  model: { value: 'MODEL', read: text, help: 'what to load' },
  port: { value: 'PORT', read: count, help: 'where to listen' },
  'max-model-len': { value: 'TOKENS', read: count, help: 'longest' },
  temperature: { value: 'N', read: number, help: 'heat' },
  quantization: { value: 'KIND', short: 'q', read: oneOf({ q4: 'q4', half: 'f16' }), help: 'kind' },
  origins: { value: 'LIST', read: list, help: 'who' },
  extra: { value: 'JSON', read: json, help: 'more' },
  caching: { help: 'reuse' },
}

const read = (line: string) => readCommandLine(line.split(' '), table)

const problemOf = (line: string): string => {
  try {
    read(line)
  } catch (thrown) {
    if (thrown instanceof UsageError) return thrown.message
    throw thrown
  }
  return ''
}

describe('a command line', () => {
  it('holds options of every kind and words', () => {
    expect(read('a --model=m --port 80 --caching b --temperature -0.5 -q q4')).toEqual({
      options: { model: 'm', port: 80, caching: true, temperature: -0.5, quantization: 'q4' },
      words: ['a', 'b'],
    })
  })

  it('may write underscores, a switch with no-, and a word after --', () => {
    expect(read('--max_model_len 4K --no-caching -- --x_y')).toEqual({
      options: { 'max-model-len': 4096, caching: false },
      words: ['--x_y'],
    })
  })

  it('leaves underscores of values alone', () => {
    expect(read('--model=my_model').options).toEqual({ model: 'my_model' })
  })

  it('lets the last one of several win', () => {
    expect(read('--port 1 --port 2').options).toEqual({ port: 2 })
  })

  it('takes a lone - as a word', () => {
    expect(read('-').words).toEqual(['-'])
  })

  it('names the nearest option to an unknown one', () => {
    expect(problemOf('--max-model-length 5')).toBe(
      'There is no option --max-model-length. Did you mean --max-model-len?',
    )
    expect(problemOf('--no-cachign')).toBe(
      'There is no option --no-cachign. Did you mean --no-caching?',
    )
    expect(problemOf('--tensor-parallel-size 2')).toBe(
      'There is no option --tensor-parallel-size. See --help for all options.',
    )
    expect(problemOf('-z')).toBe('There is no option -z. See --help for all options.')
    expect(problemOf('--no-port')).toMatch(/no option --no-port/)
    expect(problemOf('--constructor')).toMatch(/no option --constructor/)
  })

  it('names options without a value, and switches with one', () => {
    expect(problemOf('--port')).toBe('--port needs a value: --port PORT')
    expect(problemOf('--model --port 80')).toBe('--model needs a value: --model MODEL')
    expect(problemOf('--caching=yes')).toBe('--caching takes no value, got "yes".')
  })
})

describe('values', () => {
  it('are counts as vLLM writes them', () => {
    const counts = ['0', '32k', '32K', '1.5G', '2m'].map((given) => count(given, 'n'))
    expect(counts).toEqual([0, 32_000, 32_768, 1.5 * 2 ** 30, 2_000_000])
    for (const wrong of ['', '-1', '1.5', '4KB', '1e3', 'x', '9'.repeat(20)]) {
      expect(() => count(wrong, 'n')).toThrow(`--n must be a whole number`)
    }
  })

  it('are numbers', () => {
    expect(['1', '-0.5', '1e-3'].map((given) => number(given, 'n'))).toEqual([1, -0.5, 0.001])
    for (const wrong of ['', ' ', 'x', 'Infinity', 'NaN']) {
      expect(() => number(wrong, 'n')).toThrow('--n must be a number')
    }
  })

  it('are lists in JSON or with commas', () => {
    expect(list('["a","b"]', 'l')).toEqual(['a', 'b'])
    expect(list('a, b', 'l')).toEqual(['a', 'b'])
    expect(() => list('[1]', 'l')).toThrow('--l must be a list of strings')
    expect(() => list('[', 'l')).toThrow('--l must be JSON')
  })

  it('are one of some', () => {
    expect(read('-q half').options).toEqual({ quantization: 'f16' })
    expect(problemOf('-q q5')).toBe('--quantization must be one of q4, half, got "q5".')
    expect(problemOf('-q toString')).toMatch(/must be one of/)
  })
})

it('describes itself in aligned lines', () => {
  const { port, caching, quantization } = table
  const long = { 'a-name-that-takes-all-of-the-room': port }
  expect(describeOptions({ port, caching, quantization, ...long }).split('\n')).toEqual([
    `${'  --port PORT'.padEnd(34)}where to listen`,
    `${'  --caching'.padEnd(34)}reuse`,
    `${'  -q, --quantization KIND'.padEnd(34)}kind`,
    '  --a-name-that-takes-all-of-the-room PORT',
    `${''.padEnd(34)}where to listen`,
  ])
})
