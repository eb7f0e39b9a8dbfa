import { describe, expect, it } from 'vitest'
import { runTool, toolSchemas } from '../../../../demo/tools/registry.ts'

const { signal } = new AbortController()

describe('runTool', () => {
  it('runs a tool and writes its result as JSON', async () => {
    expect(await runTool('calculator', '{"expression": "6 * 7"}', signal)).toEqual({
      ok: true,
      content: '{"result":42}',
    })
  })

  it.each([
    ['calculator', '{"expression": "1 +"}', 'ends too early'],
    ['calculator', '{"expression"', 'JSON'],
    ['calculator', '[1]', 'must be a JSON object'],
    ['calculator', '', '"expression\\" is missing'],
    ['rm', '{}', 'There is no tool'],
  ])('turns a failure of %s(%s) into an error for the model', async (name, args, reason) => {
    const outcome = await runTool(name, args, signal)
    expect(outcome.ok).toBe(false)
    expect(outcome.content).toContain(reason)
    expect(JSON.parse(outcome.content)).toHaveProperty('error')
  })

  it('rejects when it was stopped, so that nothing is sent to the model', async () => {
    const stopped = AbortSignal.abort()
    await expect(runTool('calculator', '{"expression": "1 +"}', stopped)).rejects.toThrow()
  })
})

describe('toolSchemas', () => {
  it.each(toolSchemas.map((schema) => [schema.function.name, schema] as const))(
    '%s names each required argument among its properties',
    (_, { function: { parameters, description } }) => {
      const { properties, required } = parameters as { properties: object; required: string[] }
      expect(Object.keys(properties)).toEqual(expect.arrayContaining(required))
      expect(description.length).toBeLessThanOrEqual(120)
    },
  )
})
