import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Scheduler } from '../../../src/engine/scheduler.ts'
import type { SchedulerOutput } from '../../../src/engine/scheduler-output.ts'
import type { Sequence } from '../../../src/engine/sequence.ts'
import { StepInputBuilder } from '../../../src/engine/step-input.ts'
import { eosTokenId, generateAlone, makeSequence, SimulatedGpu, tokens } from './simulated-gpu.ts'

type Request = {
  /** The first block is one family's, the rest of the shared part another's. */
  readonly families: readonly [number, number]
  readonly numShared: number
  readonly numOwn: number
  readonly seed: number
  readonly maxTokens: number
  readonly ignoreEos: boolean
  readonly salted: boolean
}

type Command = 'submit' | 'report' | { readonly add: Request } | { readonly abort: number }

type Trace = {
  readonly numBlocks: number
  readonly maxNumSeqs: number
  readonly maxNumBatchedTokens: number
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
})

const trace: fc.Arbitrary<Trace> = fc.record({
  numBlocks: fc.integer({ min: 4, max: 9 }),
  maxNumSeqs: fc.integer({ min: 1, max: 4 }),
  maxNumBatchedTokens: fc.constantFrom(2, 7, 16, 17, 40, 100),
  runAhead: fc.integer({ min: 1, max: 3 }),
  enablePrefixCaching: fc.boolean(),
  commands: fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constant<Command>('submit') },
      { weight: 3, arbitrary: fc.constant<Command>('report') },
      { weight: 3, arbitrary: fc.record({ add: request }) },
      { weight: 1, arbitrary: fc.record({ abort: fc.nat(9) }) },
    ),
    { minLength: 6, maxLength: 18, size: 'max' },
  ),
})

/** `expect` is too slow for checks that run a hundred thousand times. */
const must = (isTrue: boolean, rule: string): void => {
  if (!isTrue) throw new Error(`Broken rule: ${rule}.`)
}

/** Replays a trace, checking every invariant after every command. */
class Replay {
  readonly requests: { sequence: Sequence; request: Request; prompt: number[] }[] = []
  readonly #trace: Trace
  readonly #scheduler: Scheduler
  readonly #gpu: SimulatedGpu
  readonly #stepInput = new StepInputBuilder()
  readonly #inFlight: { output: SchedulerOutput; sampled: Uint32Array }[] = []
  /** Blocks that each step in flight writes, and for whom. */
  readonly #writes = new Map<number, Map<number, Sequence>>()
  readonly #aborted = new Set<Sequence>()

  constructor(trace: Trace) {
    this.#trace = trace
    this.#scheduler = new Scheduler({ ...trace, eosTokenIds: new Set([eosTokenId]) })
    this.#gpu = new SimulatedGpu(trace.numBlocks, trace.maxNumSeqs)
  }

  get maxModelLen(): number {
    return this.#trace.numBlocks * 16
  }

  get numPreemptions(): number {
    return this.#scheduler.stats.numPreemptions
  }

  get numHitTokens(): number {
    return this.#scheduler.stats.prefixCacheHitTokens
  }

  run(command: Command): void {
    if (command === 'submit') this.submit()
    else if (command === 'report') this.report()
    else if ('add' in command) this.#add(command.add)
    else this.#abort(command.abort)
    this.#scheduler.checkIntegrity()
  }

  submit(): boolean {
    if (this.#inFlight.length >= this.#trace.runAhead) return false
    const output = this.#scheduler.schedule()
    if (output === null) return false
    this.#checkOutput(output)
    this.#checkHazards(output)
    const sampled = this.#gpu.run(this.#stepInput.prepare(output))
    this.#inFlight.push({ output, sampled })
    return true
  }

  report(): boolean {
    const step = this.#inFlight.shift()
    if (step === undefined) return false
    this.#writes.delete(step.output.stepId)
    this.#scheduler.update(step.output, step.sampled)
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
    expect(this.#scheduler.blocks.numFreeBlocks).toBe(this.#trace.numBlocks)
    for (const { sequence, request, prompt } of this.requests) {
      const alone = generateAlone(prompt, { ...request, maxModelLen: this.maxModelLen })
      const generated = sequence.tokenIds.slice(prompt.length)
      const expected = this.#aborted.has(sequence) ? alone.slice(0, generated.length) : alone
      expect(generated).toEqual(expected)
      expect(sequence.status).toBe('finished')
    }
  }

  #add(request: Request): void {
    const { families, numShared, numOwn, salted, ...params } = request
    const [head, rest] = families.map((family) => tokens(numShared, family))
    if (head === undefined || rest === undefined) return
    const prompt = [...head.slice(0, 16), ...rest.slice(16), ...tokens(numOwn, params.seed)]
    if (prompt.length >= this.maxModelLen) return
    const { maxModelLen } = this
    const salt = salted ? { cacheSalt: 'salt' } : {}
    const id = String(this.requests.length)
    const sequence = makeSequence(id, prompt, { ...params, maxModelLen, ...salt })
    this.requests.push({ sequence, request, prompt })
    this.#scheduler.add(sequence)
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
    // First come, first served: everything running arrived before everything waiting.
    const order = [...this.#scheduler.running, ...this.#scheduler.waiting]
    const arrivals = order.map((sequence) => Number(sequence.requestId))
    must(
      arrivals.every((arrival, index) => index === 0 || arrival > Number(arrivals[index - 1])),
      'sequences keep their order of arrival',
    )
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

test(
  'tokens do not depend on chunks, prefix hits, preemption or company',
  { timeout: 30_000 },
  () => {
    let numPreemptions = 0
    let numHitTokens = 0
    let numFinished = 0
    fc.assert(
      fc.property(trace, (trace) => {
        const replay = new Replay(trace)
        for (const command of trace.commands) replay.run(command)
        replay.drain()
        replay.checkEnd()
        numPreemptions += replay.numPreemptions
        numHitTokens += replay.numHitTokens
        numFinished += replay.requests.length
      }),
      { numRuns: 1000 },
    )
    // The traces must reach what they are meant to test.
    expect(numPreemptions).toBeGreaterThan(100)
    expect(numHitTokens).toBeGreaterThan(1000)
    expect(numFinished).toBeGreaterThan(2000)
  },
)
