import { expect, it } from 'vitest'
import { readCommandLine } from '../../../src/node/command-line.ts'
import { modelOptions, toEngineOptions } from '../../../src/node/model-options.ts'

const read = (line: string) =>
  toEngineOptions(readCommandLine(line.split(' '), modelOptions).options)

it('gives only what was asked for', () => {
  expect(read('--model a/b')).toEqual({ model: 'a/b' })
})

it('knows no model without its name', () => {
  expect(() => read('--max-num-seqs 4')).toThrow('No model is given')
})

it('turns vLLM’s names into those of createEngine', () => {
  const line =
    '--model m --quantization q4 --dtype half --kv-cache-dtype float32 --kv-cache-memory-bytes 1G ' +
    '--memory-budget 2G --max-model-len 4K --max-num-seqs 4 --max-num-batched-tokens 512 ' +
    '--no-enable-prefix-caching --num-speculative-tokens 3 --reasoning-parser qwen3 ' +
    '--override-generation-config {"temperature":0.5,"top_k":20} --download-dir /d --hf-token t'
  expect(read(line)).toEqual({
    model: 'm',
    quantization: 'q4',
    dtype: 'f16',
    kvCacheDtype: 'f32',
    kvCacheBytes: 2 ** 30,
    memoryBudget: 2 ** 31,
    maxModelLen: 4096,
    maxNumSeqs: 4,
    maxNumBatchedTokens: 512,
    enablePrefixCaching: false,
    speculation: { numSpeculativeTokens: 3 },
    reasoningParser: 'qwen3',
    defaultSamplingParams: { temperature: 0.5, topK: 20 },
    downloadDir: '/d',
    hubToken: 't',
  })
})

it('knows none as a value', () => {
  expect(read('--model m --num-speculative-tokens 0 --reasoning-parser none')).toEqual({
    model: 'm',
    speculation: null,
    reasoningParser: null,
  })
})

it.each(['auto', '-1', '4096', 'long'])('--max-model-len=%s', (given) => {
  const options = () => read(`--model m --max-model-len=${given}`)
  if (given === 'long') expect(options).toThrow('--max-model-len must be a whole number')
  else expect(options()).toEqual({ model: 'm', ...(given === '4096' && { maxModelLen: 4096 }) })
})
