import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { EngineError } from '../../../src/errors.ts'
import { readQuantization } from '../../../src/models/quantization-config.ts'

const read = (config: unknown) => readQuantization({ quantization_config: config })

const integers = (changes: object = {}) => ({
  num_bits: 4,
  type: 'int',
  symmetric: true,
  strategy: 'group',
  group_size: 128,
  ...changes,
})

const compressed = (format: string, ...groups: object[]) => ({
  quant_method: 'compressed-tensors',
  format,
  config_groups: Object.fromEntries(groups.map((weights, i) => [`group_${i}`, { weights }])),
})

const gptq = { quant_method: 'gptq', bits: 4, group_size: 128, desc_act: false, sym: true }

test('a plain checkpoint has none', () => {
  expect(readQuantization({})).toBeNull()
  expect(read(null)).toBeNull()
})

test.each([
  ['gptq as AutoGPTQ writes it', gptq, { groupSize: 128, isSymmetric: true, zeroShift: 1 }],
  ['gptq_v2', { ...gptq, checkpoint_format: 'gptq_v2' }, { zeroShift: 0 }],
  ['rows as groups', { ...gptq, group_size: -1 }, { groupSize: null }],
  ['act-order', { ...gptq, desc_act: true, bits: 8 }, { hasActOrder: true, bits: 8 }],
  ['modules left alone', { ...gptq, dynamic: { '-:.*lm_head': {} } }, { method: 'gptq' }],
  [
    'awq',
    { quant_method: 'awq', bits: 4, group_size: 64, version: 'GEMM', zero_point: true },
    { method: 'awq', groupSize: 64 },
  ],
  [
    'compressed integers',
    compressed('pack-quantized', integers({ symmetric: false })),
    { bits: 4, isSymmetric: false, floatBlock: [128, 128] },
  ],
  [
    'compressed floats next to integers',
    compressed(
      'mixed-precision',
      integers({ num_bits: 8 }),
      integers({ type: 'float', num_bits: 8, block_structure: [64, 128] }),
    ),
    { bits: 8, isSymmetric: true, floatBlock: [64, 128] },
  ],
  ['fp8', { quant_method: 'fp8', activation_scheme: 'dynamic' }, { floatBlock: [128, 128] }],
  [
    'fp8 in blocks',
    { quant_method: 'fp8', fmt: 'e4m3', weight_block_size: [64, 256] },
    { method: 'fp8', floatBlock: [64, 256] },
  ],
])('%s', (_, config, expected) => {
  expect(read(config)).toMatchObject(expected)
})

test.each<[string, unknown, RegExp]>([
  ['another method', { quant_method: 'bitsandbytes' }, /by "bitsandbytes"/],
  ['no method', {}, /by undefined/],
  ['a method of the prototype', { quant_method: 'toString' }, /by "toString"/],
  ['3 bits', { ...gptq, bits: 3 }, /by gptq to 3 bits/],
  ['another layout', { ...gptq, checkpoint_format: 'marlin' }, /gptq in the layout "marlin"/],
  ['bits by module', { ...gptq, dynamic: { '.*down.*': { bits: 8 } } }, /"dynamic"/],
  ['8-bit awq', { quant_method: 'awq', bits: 8 }, /by awq to 8 bits/],
  ['awq for vectors', { quant_method: 'awq', version: 'gemv' }, /awq in the layout "gemv"/],
  ['E5M2', { quant_method: 'fp8', fmt: 'e5m2' }, /fp8 in the layout "e5m2"/],
  ['sparse', compressed('marlin-24', integers()), /"marlin-24"/],
  ['4-bit floats', compressed('float-quantized', integers({ type: 'float' })), /to 4-bit floats/],
  ['6-bit integers', compressed('pack-quantized', integers({ num_bits: 6 })), /to 6 bits/],
  [
    'integers of several kinds',
    compressed('pack-quantized', integers(), integers({ num_bits: 8 })),
    /several kinds/,
  ],
])('refuses %s, with a way out', (_, config, message) => {
  expect(() => read(config)).toThrowError(
    expect.objectContaining({
      code: 'unsupported-format',
      message: expect.stringMatching(
        new RegExp(`${message.source}.*Choose a GPTQ, AWQ, .*or the original`),
      ),
    }),
  )
})

test.each<[string, unknown]>([
  ['no object', 'gptq'],
  ['a group of no size', { ...gptq, group_size: 0 }],
  ['a flag that is none', { ...gptq, sym: 'yes' }],
  ['one size of a block', { quant_method: 'fp8', weight_block_size: [128] }],
  ['a size that is no number', { quant_method: 'fp8', weight_block_size: [{ valueOf: 1 }, 1] }],
  ['groups without weights', { ...compressed('pack-quantized'), config_groups: { a: {} } }],
])('refuses a broken description: %s', (_, config) => {
  expect(() => read(config)).toThrowError(expect.objectContaining({ code: 'invalid-file' }))
})

test('whatever the description holds, it is read or refused', () => {
  const method = fc.constantFrom('gptq', 'awq', 'compressed-tensors', 'fp8')
  const names = 'bits group_size desc_act sym checkpoint_format format dynamic fmt version'
  const field = fc.constantFrom(
    'weight_block_size',
    'config_groups',
    'sparsity_config',
    ...names.split(' '),
  )
  const value = fc.jsonValue({ maxDepth: 2 })
  const weights = fc.dictionary(
    fc.constantFrom('num_bits', 'type', 'symmetric', 'block_structure'),
    value,
    { maxKeys: 4 },
  )
  const groups = fc.dictionary(fc.string(), fc.record({ weights }), { maxKeys: 2 })
  const fields = fc.dictionary(field, fc.oneof(value, groups), { maxKeys: 4 })
  fc.assert(
    fc.property(method, fields, (quant_method, given) => {
      try {
        expect(read({ quant_method, ...given })).toMatchObject({ method: quant_method })
      } catch (thrown) {
        if (!(thrown instanceof EngineError)) throw thrown
      }
    }),
    { numRuns: 300 },
  )
})
