import { expect, test } from 'vitest'
import { TokenBudget } from '../../../src/engine/token-budget.ts'

const createBudget = (targetStepMs: number | null = 30) =>
  new TokenBudget({ minTokens: 16, maxTokens: 256, targetStepMs })

/** Runs steps one after another on a GPU that takes `fixedMs` + `msPerToken` a token. */
const runSteps = (budget: TokenBudget, fixedMs: number, msPerToken: number, numSteps = 60) => {
  let now = 0
  for (let step = 0; step < numSteps; step++) {
    const { numTokens } = budget
    const submittedAt = now
    now += fixedMs + msPerToken * numTokens
    budget.record(numTokens, submittedAt, now)
  }
  return budget.numTokens
}

test('starts at its most and stays there without a target', () => {
  expect(createBudget().numTokens).toBe(256)
  expect(runSteps(createBudget(null), 10, 5)).toBe(256)
})

test('settles where a step takes the target', () => {
  const numTokens = runSteps(createBudget(), 5, 0.25)
  expect(5 + 0.25 * numTokens).toBeGreaterThan(28)
  expect(5 + 0.25 * numTokens).toBeLessThanOrEqual(30)
})

test('keeps within its limits', () => {
  expect(runSteps(createBudget(), 200, 10)).toBe(16)
  expect(runSteps(createBudget(), 1, 0.001)).toBe(256)
})

test('learns nothing from a decode step', () => {
  const budget = createBudget()
  budget.record(4, 0, 100)
  expect(budget.numTokens).toBe(256)
})

test('counts a step that waited in line from the end of the one before', () => {
  const budget = createBudget()
  budget.record(100, 0, 40)
  budget.record(100, 1, 80)
  expect(budget.numTokens).toBe(75)
})
