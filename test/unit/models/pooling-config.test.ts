import { describe, expect, it } from 'vitest'
import { readPoolingConfig } from '../../../src/models/pooling-config.ts'

const st = (kind: string) => `sentence_transformers.models.${kind}`
const module = (kind: string, path: string) => ({ idx: 0, name: '0', path, type: st(kind) })

const read = (
  modules: unknown,
  folders: Readonly<Record<string, unknown>> = {},
  config: unknown = {},
  sentenceBert: unknown = null,
  tokenizerConfig: unknown = null,
) =>
  readPoolingConfig(
    {
      config,
      modules,
      sentenceBert,
      tokenizerConfig,
      readModule: async (folder) => folders[folder],
    },
    'cls',
  )

const mean = { word_embedding_dimension: 8, pooling_mode_mean_tokens: true }

describe('how a model embeds', () => {
  it('is what its modules say', async () => {
    const modules = [
      module('Transformer', ''),
      module('Pooling', '1_Pooling'),
      module('Dense', '2_Dense'),
      module('Normalize', '3_Normalize'),
    ]
    const dense = {
      in_features: 8,
      out_features: 4,
      bias: false,
      activation_function: 'torch.nn.modules.linear.Identity',
    }
    const folders = { '1_Pooling': mean, '2_Dense': dense }
    const sizes = { max_seq_length: 256, do_lower_case: true }
    expect(await read(modules, folders, {}, sizes)).toEqual({
      pooling: 'mean',
      dense: [
        {
          folder: '2_Dense',
          inFeatures: 8,
          outFeatures: 4,
          hasBias: false,
          activation: 'identity',
        },
      ],
      normalize: true,
      dimensions: 'none',
      maxTokens: 256,
      lowersCase: true,
    })
  })

  // What vLLM's `_get_and_verify_max_len` makes of them.
  it.each([
    [{ model_max_length: 128 }, { position_embedding_type: 'absolute' }, null, 128],
    [{ model_max_length: 128 }, {}, null, null],
    [{ model_max_length: 1e30 }, { position_embedding_type: 'absolute' }, null, null],
    [
      { model_max_length: 128 },
      { position_embedding_type: 'absolute' },
      { max_seq_length: 256, do_lower_case: false },
      256,
    ],
  ])('takes as many tokens as %j, %j and %j say', async (tokenizer, config, settings, expected) => {
    const { maxTokens } = await read(null, {}, config, settings, tokenizer)
    expect(maxTokens).toBe(expected)
  })

  it('is vLLM’s default where there are no modules', async () => {
    expect(await read(null)).toMatchObject({ pooling: 'cls', normalize: true, dense: [] })
  })

  it.each([
    [{ pooling_mode_cls_token: true, pooling_mode_mean_tokens: false }, 'cls'],
    [{ pooling_mode_lasttoken: true }, 'last'],
    [{ pooling_mode: 'mean' }, 'mean'],
  ])('pools as %j', async (json, pooling) => {
    const modules = [module('Pooling', '1_Pooling')]
    const config = await read(modules, { '1_Pooling': json })
    expect(config).toMatchObject({ pooling, normalize: false })
  })

  it('allows the lengths that config.json lists, or any', async () => {
    expect(await read(null, {}, { matryoshka_dimensions: [64, 32] })).toMatchObject({
      dimensions: [64, 32],
    })
    expect(await read(null, {}, { is_matryoshka: true })).toMatchObject({ dimensions: 'any' })
  })

  it.each([
    [[module('CNN', '1_CNN')], {}, {}, /The module CNN of modules.json is not supported/],
    [
      [module('Pooling', '1_Pooling')],
      { '1_Pooling': { pooling_mode_max_tokens: true } },
      {},
      /The pooling pooling_mode_max_tokens is not supported/,
    ],
    [
      [module('Pooling', '1_Pooling')],
      { '1_Pooling': { ...mean, pooling_mode_cls_token: true } },
      {},
      /pooling_mode_mean_tokens and pooling_mode_cls_token/,
    ],
    [
      [module('Dense', '2_Dense')],
      { '2_Dense': { activation_function: 'torch.nn.modules.activation.ReLU' } },
      {},
      /ReLU.* of 2_Dense is not supported/,
    ],
    [{ not: 'a list' }, {}, {}, /modules.json is not a list/],
    [[{ type: st('Pooling'), path: '../up' }], {}, {}, /without "type" and "path"/],
    [[module('Pooling', '1_Pooling')], { '1_Pooling': [] }, {}, /1_Pooling\/config.json/],
    [null, {}, { matryoshka_dimensions: [0] }, /matryoshka_dimensions/],
  ])('refuses what it does not know (%#)', async (modules, folders, config, message) => {
    await expect(read(modules, folders, config)).rejects.toThrow(message)
  })
})
