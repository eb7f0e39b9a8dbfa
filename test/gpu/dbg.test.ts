import { it } from 'vitest'
import { createTestEngine, generateGreedy } from './test-engine.ts'
const fixtures = import.meta.glob('../fixtures/models/*/golden.json', { import: 'default' })
it('dbg', async () => {
  for (const [file, load] of Object.entries(fixtures)) {
    const name = file.split('/').at(-2)!
    const { cases } = await load() as any
    const path = name === 'starter' ? 'demo/public/starter-model' : `test/fixtures/models/${name}`
    const steps: Promise<Float32Array>[] = []
    const engine = await createTestEngine({ path, onLogits: (l) => steps.push(l) })
    for (const c of cases.slice(0, 5)) {
      steps.length = 0
      const t0 = performance.now()
      const ids = await generateGreedy(engine, c.promptTokenIds, 6)
      const logits = await Promise.all(steps)
      const d = c.topLogits.slice(0, 6).map((top: any, s: number) => Math.max(...top.map(([id, v]: any) => Math.abs(logits[s]![id]! - v))).toFixed(5))
      console.log(name, c.promptTokenIds.length, JSON.stringify(ids), JSON.stringify(c.tokenIds.slice(0, 6)), d.join(' '), Math.round(performance.now() - t0))
    }
  }
}, 300000)
