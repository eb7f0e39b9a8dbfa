import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { StepResult } from '../../src/engine/model-executor.ts'
import { Scheduler } from '../../src/engine/scheduler.ts'
import type { SchedulerOutput } from '../../src/engine/scheduler-output.ts'
import type { Sequence } from '../../src/engine/sequence.ts'
import { samplesLate, StepInputBuilder } from '../../src/engine/step-input.ts'
import {
  eosTokenId,
  generateAlone,
  logprobAfter,
  makeSequence,
  repetitiveSeed,
  SimulatedGpu,
  statesOf,
  tokens,
} from '../unit/engine/simulated-gpu.ts'

type Request = {
  /** The first block is one family's, the rest of the shared part another's. */
  readonly families: readonly [number, number]
  readonly numShared: number
  readonly numOwn: number
  readonly seed: number
  readonly maxTokens: number
  readonly ignoreEos: boolean
  readonly salted: boolean
  readonly priority: number
  readonly isPenalized: boolean
  readonly isMasked: boolean
  readonly isRepetitive: boolean
  readonly wantsPromptLogprobs: boolean
}

type Command =
  | 'submit'
  | 'report'
  | { readonly add: Request }
  | { readonly abort: number }
  | { readonly lose: number }

type Trace = {
  readonly numBlocks: number
  readonly maxNumSeqs: number
  readonly maxNumBatchedTokens: number
  readonly numExtraSamples: number
  readonly numSpeculativeTokens: number
  readonly runAhead: number
  readonly enablePrefixCaching: boolean
  readonly commands: readonly Command[]
}

const request: fc.Arbitrary<Request> = fc.record({
  families: fc.tuple(fc.nat(1), fc.nat(1)),
  numShared: fc.constantFrom(0, 16, 31, 32, 40, 48),
  numOwn: fc.integer({ min: 1, max: 20 }),
  seed: fc.nat(3),
  maxTokens: fc.integer({ min: 1, max: 70 }),
  ignoreEos: fc.boolean(),
  salted: fc.nat(4).map((n) => n === 0),
  priority: fc.constantFrom(0, 0, 0, -1, 2),
  isPenalized: fc.nat(4).map((n) => n === 0),
  isMasked: fc.nat(4).map((n) => n === 0),
  isRepetitive: fc.boolean(),
  wantsPromptLogprobs: fc.nat(4).map((n) => n === 0),
})

const trace: fc.Arbitrary<Trace> = fc.record({
  numBlocks: fc.integer({ min: 4, max: 9 }),
  maxNumSeqs: fc.integer({ min: 1, max: 4 }),
  maxNumBatchedTokens: fc.constantFrom(2, 7, 16, 17, 40, 100),
  numExtraSamples: fc.constantFrom(0, 2, 16),
  numSpeculativeTokens: fc.constantFrom(0, 1, 4),
  runAhead: fc.integer({ min: 1, max: 3 }),
  enablePrefixCaching: fc.boolean(),
  commands: fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constant<Command>('submit') },
      { weight: 3, arbitrary: fc.constant<Command>('report') },
      { weight: 3, arbitrary: fc.record({ add: request }) },
      { weight: 1, arbitrary: fc.record({ abort: fc.nat(9) }) },
      // A lost device comes back with so many blocks fewer.
      { weight: 1, arbitrary: fc.record({ lose: fc.constantFrom(0, 0, 1) }) },
    ),
    { minLength: 6, maxLength: 18, size: 'max' },
  ),
})

/** `expect` is too slow for checks that run a hundred thousand times. */
const must = (isTrue: boolean, rule: string): void => {
  if (!isTrue) throw new Error(`Broken rule: ${rule}.`)
}

const goesBefore = (a: Sequence, b: Sequence) =>
  a.priority < b.priority || (a.priority === b.priority && a.arrival < b.arrival)

const isInOrder = (queue: readonly Sequence[]) =>
  queue.every((sequence, index) => index === 0 || goesBefore(queue[index - 1]!, sequence))

const paramsOf = (request: Request) => ({
  seed: request.seed + (request.isRepetitive ? repetitiveSeed : 0),
  maxTokens: request.maxTokens,
  ignoreEos: request.ignoreEos,
  frequencyPenalty: request.isPenalized ? 1 : 0,
  promptLogprobs: request.wantsPromptLogprobs ? 0 : null,
})

type StepInFlight = {
  readonly output: SchedulerOutput
  readonly input: Uint32Array
  /** Null as long as it is not known how its tokens are drawn. */
  result: StepResult | null
}

/** Replays a trace, checking every invariant after every command. */
class Replay {
  readonly requests: { sequence: Sequence; request: Request; prompt: number[] }[] = []
  readonly #trace: Trace
  readonly #scheduler: Scheduler
  #gpu: SimulatedGpu
  readonly #stepInput = new StepInputBuilder()
  readonly #inFlight: StepInFlight[] = []
  /** Blocks that each step in flight writes, and for whom. */
  readonly #writes = new Map<number, Map<number, Sequence>>()
  readonly #aborted = new Set<Sequence>()
  /** The position at which each running sequence has to go on writing. */
  readonly #nextWrite = new Map<Sequence, number>()

  constructor(trace: Trace) {
    this.#trace = trace
    this.#scheduler = new Scheduler({ ...trace, eosTokenIds: new Set([eosTokenId]) })
    this.#gpu = new SimulatedGpu(trace.numBlocks, trace.maxNumSeqs)
  }

  numSampledLate = 0

  get maxModelLen(): number {
    return this.#trace.numBlocks * 16
  }

  get numPreemptions(): number {
    return this.#scheduler.stats.numPreemptions
  }

  get numHitTokens(): number {
    return this.#scheduler.stats.prefixCacheHitTokens
  }

  get numAcceptedTokens(): number {
    return this.#scheduler.stats.numAcceptedTokens
  }

  run(command: Command): void {
    if (command === 'submit') this.submit()
    else if (command === 'report') this.report()
    else if ('add' in command) this.#add(command.add)
    else if ('abort' in command) this.#abort(command.abort)
    else this.#lose(command.lose)
    this.#scheduler.checkIntegrity()
  }

  submit(): boolean {
    if (this.#inFlight.at(-1)?.result === null) return this.#sample()
    if (this.#inFlight.length >= this.#trace.runAhead) return false
    for (const sequence of this.#scheduler.waiting) this.#nextWrite.delete(sequence)
    const output = this.#scheduler.schedule()
    if (output === null) return false
    this.#checkOutput(output)
    this.#checkHazards(output)
    this.#checkPositions(output)
    const input = this.#stepInput.prepare(output).slice()
    this.#gpu.forward(input)
    const result = samplesLate(output) ? null : this.#gpu.sample(input)
    this.#inFlight.push({ output, input, result })
    return true
  }

  /** Draws from the last step's logits once the steps before it are reported. */
  #sample(): boolean {
    const [step] = this.#inFlight
    if (this.#inFlight.length > 1 || step === undefined) return false
    const { at, words } = this.#stepInput.prepareSampling(new Map())
    step.input.set(words, at)
    step.result = this.#gpu.sample(step.input)
    this.numSampledLate += 1
    return true
  }

  report(): boolean {
    const [step] = this.#inFlight
    if (step === undefined || step.result === null) return false
    this.#inFlight.shift()
    this.#writes.delete(step.output.stepId)
    this.#scheduler.update(step.output, step.result)
    for (const { sequence, draftTokenIds } of step.output.sequences) {
      // What followed the first wrong token of a draft is written anew.
      if (draftTokenIds.length > 0) this.#nextWrite.set(sequence, sequence.tokenIds.length - 1)
    }
    return true
  }

  /** Runs until nothing is left; every command may take a bounded number of steps at most. */
  drain(): void {
    for (let turn = 0; turn < 20_000; turn++) {
      const hasSubmitted = this.submit()
      if (!hasSubmitted && !this.report()) return
      this.#scheduler.checkIntegrity()
    }
    throw new Error('the trace does not come to an end')
  }

  checkEnd(): void {
    expect(this.#scheduler.blocks.numFreeBlocks).toBe(this.#scheduler.blocks.numBlocks)
    for (const { sequence, request, prompt } of this.requests) {
      const alone = generateAlone(prompt, { ...paramsOf(request), maxModelLen: this.maxModelLen })
      const generated = sequence.tokenIds.slice(prompt.length)
      const expected = this.#aborted.has(sequence) ? alone.slice(0, generated.length) : alone
      expect(generated).toEqual(expected)
      expect(sequence.status).toBe('finished')
      if (sequence.promptLogprobs !== null && generated.length > 0) {
        const states = statesOf(prompt)
        expect(sequence.promptLogprobs.map((entry) => entry?.logprob ?? null)).toEqual(
          prompt.map((id, at) => (at === 0 ? null : logprobAfter(states[at - 1]!, id))),
        )
      }
    }
  }

  #add(request: Request): void {
    const { families, numShared, numOwn, salted } = request
    const [head, rest] = families.map((family) => tokens(numShared, family))
    if (head === undefined || rest === undefined) return
    const prompt = [...head.slice(0, 16), ...rest.slice(16), ...tokens(numOwn, request.seed)]
    if (prompt.length >= this.maxModelLen) return
    const { maxModelLen } = this
    const salt = salted ? { cacheSalt: 'salt' } : {}
    const id = String(this.requests.length)
    const { priority } = request
    const { numSpeculativeTokens } = this.#trace
    const mask = request.isMasked ? { tokenMask: async () => null } : {}
    const options = { maxModelLen, priority, numSpeculativeTokens, ...salt, ...mask }
    const sequence = makeSequence(id, prompt, { ...paramsOf(request), ...options })
    // Memory lost for good may be too little for it, which the engine says at once.
    if (sequence.maxNumTokens > this.#scheduler.blocks.numBlocks * 16) return
    this.requests.push({ sequence, request, prompt })
    this.#scheduler.add(sequence)
  }

  #lose(numBlocks: number): void {
    const remaining = Math.max(this.#scheduler.blocks.numBlocks - numBlocks, 4)
    for (const ended of this.#scheduler.preemptAll(remaining)) this.#aborted.add(ended)
    this.#inFlight.length = 0
    this.#writes.clear()
    this.#nextWrite.clear()
    this.#gpu = new SimulatedGpu(remaining, this.#trace.maxNumSeqs)
  }

  #abort(index: number): void {
    const sequence = this.requests[index]?.sequence
    if (sequence === undefined || sequence.status === 'finished') return
    this.#aborted.add(sequence)
    this.#scheduler.abort(sequence)
  }

  #checkOutput(output: SchedulerOutput): void {
    const { sequences, numTokens, numDecodeSequences } = output
    const phases = sequences.map((entry) => entry.phase)
    must(phases.lastIndexOf('decode') + 1 === numDecodeSequences, 'decodes come first')
    must(numTokens <= this.#trace.maxNumBatchedTokens, 'a step keeps to its budget')
    must(sequences.length <= this.#trace.maxNumSeqs, 'a step has no more sequences than slots')
    const sum = sequences.reduce((total, entry) => total + entry.numScheduledTokens, 0)
    must(sum === numTokens, 'numTokens is the sum over sequences')
    const numSamples = sequences.reduce((total, entry) => total + entry.numSamples, 0)
    const mostSamples = this.#trace.maxNumSeqs + this.#trace.numExtraSamples
    must(numSamples === output.numSamples && numSamples <= mostSamples, 'sample rows are bounded')
    const { running, waiting } = this.#scheduler
    must(isInOrder(running) && isInOrder(waiting), 'priority goes first, then order of arrival')
    const isFair = running.every((sequence) =>
      waiting.every((other) => !goesBefore(other, sequence)),
    )
    const priorities = new Set([...running, ...waiting].map((sequence) => sequence.priority))
    must(isFair || priorities.size > 1, 'first come, first served')
  }

  /** A position is written once, in order; only preemption starts over, behind whole cached blocks. */
  #checkPositions(output: SchedulerOutput): void {
    for (const { sequence, start, numScheduledTokens } of output.sequences) {
      const next = this.#nextWrite.get(sequence)
      if (next === undefined) {
        must(start % 16 === 0 && start < sequence.tokenIds.length, 'a hit is of whole blocks')
      } else {
        must(start === next, 'a position is written once')
      }
      const end = start + numScheduledTokens
      must(end <= sequence.blockTable.length * 16, 'tokens have blocks')
      this.#nextWrite.set(sequence, end)
    }
  }

  /** No step writes a block that a step in flight writes for another sequence. */
  #checkHazards(output: SchedulerOutput): void {
    const writes = new Map<number, Sequence>()
    for (const { sequence, start, numScheduledTokens } of output.sequences) {
      const first = Math.floor(start / 16)
      const last = Math.floor((start + numScheduledTokens - 1) / 16)
      for (const block of sequence.blockTable.slice(first, last + 1)) {
        must(!writes.has(block), 'two sequences of a step write different blocks')
        writes.set(block, sequence)
        for (const earlier of this.#writes.values()) {
          must((earlier.get(block) ?? sequence) === sequence, 'a block retires before its reuse')
        }
      }
    }
    this.#writes.set(output.stepId, writes)
  }
}

const numRuns = Number(process.env['PROPERTY_RUNS'] ?? 10_000)

test('tokens do not depend on chunks, prefix hits, preemption, drafts, losses or company', () => {
  let numPreemptions = 0
  let numHitTokens = 0
  let numFinished = 0
  let numAcceptedTokens = 0
  let numSampledLate = 0
  fc.assert(
    fc.property(trace, (trace) => {
      const replay = new Replay(trace)
      for (const command of trace.commands) replay.run(command)
      replay.drain()
      replay.checkEnd()
      numPreemptions += replay.numPreemptions
      numHitTokens += replay.numHitTokens
      numFinished += replay.requests.length
      numAcceptedTokens += replay.numAcceptedTokens
      numSampledLate += replay.numSampledLate
    }),
    { numRuns },
  )
  // The traces must reach what they are meant to test.
  expect(numPreemptions).toBeGreaterThan(numRuns / 10)
  expect(numHitTokens).toBeGreaterThan(numRuns)
  expect(numFinished).toBeGreaterThan(2 * numRuns)
  expect(numAcceptedTokens).toBeGreaterThan(numRuns)
  expect(numSampledLate).toBeGreaterThan(numRuns)
})
