import { it } from 'vitest'
import { CommandRecorder } from '../../src/gpu/command-recorder.ts'
import { PipelineCache } from '../../src/gpu/pipeline-cache.ts'
import { createTensor, uploadTensor } from '../../src/gpu/tensor.ts'
import { bindPagedAttention, pagedAttentionGrid } from '../../src/kernels/paged-attention.ts'
import { bindRopeAndPage, ropeAndPageGrid } from '../../src/kernels/rope-and-page.ts'
import { testContext, readTensor } from './context.ts'
import { stepWords } from './step-fixture.ts'
for (const headDim of [32, 80]) it('times ' + headDim, async () => {
  const context = await testContext('none')
  const { device } = context
  const pipelines = new PipelineCache(context)
  const { words, shape } = stepWords([{ numComputed: 0, numRows: 40, blockTable: [0, 1, 2] }])
  const step = uploadTensor(device, 's', words)
  const t = (n: number) => createTensor(device, 't', n)
  const b = { step, qkv: t(320 * 8 * headDim * 4), k_cache: t(400000), v_cache: t(400000), out: t(320 * 4 * headDim * 4) }
  const s = { kvFormat: 'f32', numHeads: 4, numKvHeads: 2, headDim, scale: 0.1 } as const
  let t0 = performance.now()
  const lap = (n: string) => { console.log(headDim, n, Math.round(performance.now() - t0)); t0 = performance.now() }
  const rope = await bindRopeAndPage(pipelines, { ...s, reduction: 'none', rotaryDim: headDim, hasQkNorm: false, eps: 1e-6 }, { ...b, rope: t(40 * headDim * 4), q_norm: t(600), k_norm: t(600) } as never)
  lap('compile rope')
  const att = await bindPagedAttention(pipelines, s, b)
  lap('compile att')
  for (const round of [1, 2]) {
    let r = new CommandRecorder(device); r.dispatch(rope, ropeAndPageGrid('none', 40, 8)); r.submit(); await readTensor(device, step); lap('rope ' + round)
    r = new CommandRecorder(device); r.dispatch(att, pagedAttentionGrid(40, 4)); r.submit(); await readTensor(device, step); lap('att ' + round)
  }
})
