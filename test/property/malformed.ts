import * as fc from 'fast-check'
import { getHeapStatistics } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { EngineError } from '../../src/errors.ts'
import type { ByteSource } from '../../src/storage/byte-source.ts'

/** Cases of all kinds of files together. */
const numMalformed = Number(process.env['MALFORMED_RUNS'] ?? 100_000)

const mebibyte = 1024 * 1024
const encoder = new TextEncoder()

/*
 * Damage to JSON. A change finds its place in the parsed file, and writes raw JSON there: what
 * parses to infinities, names that repeat, what is not even JSON.
 */

type Holder = unknown[] | Record<string, unknown>

const isHolder = (value: unknown): value is Holder => typeof value === 'object' && value !== null

type Change = {
  /** One of the keys at each level, by its number. */
  readonly path: readonly number[]
  readonly how: 'set' | (typeof otherChanges)[number]
  /** Raw JSON. */
  readonly value: string
}

const findHolder = (root: Holder, path: readonly number[]): [Holder, string] | null => {
  let holder = root
  for (const [depth, choice] of path.entries()) {
    const keys = Object.keys(holder)
    const key = keys[choice % keys.length]
    if (key === undefined) return null
    const child: unknown = Reflect.get(holder, key)
    if (depth === path.length - 1 || !isHolder(child)) return [holder, key]
    holder = child
  }
  return null
}

const nameIn = (value: string): string => (value.startsWith('"') ? value.slice(1, -1) : value)

/** The file's text after the changes. Stand-ins take the places of raw JSON until it is text. */
const changeJson = (text: string, changes: readonly Change[]): string => {
  const root: unknown = JSON.parse(text)
  const raw: [string, string][] = []
  for (const [at, { path, how, value }] of changes.entries()) {
    const found = isHolder(root) ? findHolder(root, path) : null
    if (!found) continue
    const [holder, key] = found
    const standIn = `@${at}@`
    const old: unknown = Reflect.get(holder, key)
    if (how === 'set') {
      raw.push([`"${standIn}"`, value])
      Reflect.set(holder, key, standIn)
    } else if (how === 'wrap') Reflect.set(holder, key, [old])
    else if (how === 'nest') Reflect.set(holder, key, structuredClone(holder))
    else if (Array.isArray(holder)) {
      if (how === 'repeat') holder.push(old)
      else holder.splice(Number(key), 1)
    } else {
      // A name besides its own, or in its stead: for `repeat` one that the object has already.
      if (how !== 'repeat') Reflect.deleteProperty(holder, key)
      if (how === 'remove') continue
      raw.push([standIn, how === 'repeat' ? key : nameIn(value)])
      Reflect.set(holder, standIn, how === 'repeat' ? value : old)
    }
  }
  return raw.reduce(
    (done, [standIn, json]) => done.replace(standIn, () => json),
    JSON.stringify(root),
  )
}

const extremes = [
  ['null', 'true', 'false', '[]', '{}', '[[]]', '[null]', '[[],[]]', '{"type":null}', '[0,1]'],
  ['0', '-0', '-1', '0.5', '1', '2', '3', '7', '16', '255', '2147483648', '4294967297'],
  ['9007199254740992', '9007199254740993', '1e308', '1e999', '-1e999', '5e-324', '1e20'],
  ['"NaN"', '"Infinity"', '"-1"', '""', '" "', '"<"', '"\\ud800"', '"\\u0000"', '"\u{1f600}"'],
  ['"__proto__"', '"constructor"', '"toString"', '"hasOwnProperty"', '"../x"'],
  ['NaN', 'undefined', "'x'", '01', '"\n"', '{"a":1,}', '"'],
].flat()

const deep = (depth: number, open: string, close: string) =>
  `${open.repeat(depth)}1${close.repeat(depth)}`

const nested = fc
  .tuple(fc.constantFrom(2, 9, 40, 1000, 20_000), fc.boolean())
  .map(([depth, isList]) => (isList ? deep(depth, '[', ']') : deep(depth, '{"type":', '}')))

const long = fc.constantFrom('x', ' ', '\u00e9', 'ab').map((unit) => `"${unit.repeat(mebibyte)}"`)

const otherChanges = ['remove', 'wrap', 'rename', 'repeat', 'nest'] as const

/** @param words Raw JSON that means something in such a file. */
const changesTo = (words: readonly string[]): fc.Arbitrary<Change[]> =>
  fc.array(
    fc.record({
      path: fc.array(fc.nat(50), { minLength: 1, maxLength: 6 }),
      how: fc.oneof(
        { weight: 4, arbitrary: fc.constant('set' as const) },
        { weight: 5, arbitrary: fc.constantFrom(...otherChanges) },
      ),
      value: fc.oneof(
        { weight: 300, arbitrary: fc.constantFrom(...extremes, ...words) },
        { weight: 60, arbitrary: fc.integer({ min: -2, max: 70 }).map(String) },
        { weight: 30, arbitrary: fc.string({ maxLength: 5 }).map((text) => JSON.stringify(text)) },
        { weight: 10, arbitrary: nested },
        { weight: 1, arbitrary: long },
      ),
    }),
    { maxLength: 3 },
  )

/*
 * Damage to bytes: flips, bytes that begin or end something, parts of other files, a cut.
 */

type ByteChange = {
  readonly at: number
  readonly bytes: readonly number[]
  readonly isInserted: boolean
}

type ByteDamage = { readonly changes: readonly ByteChange[]; readonly cut: number | null }

const noByteDamage: ByteDamage = { changes: [], cut: null }
const telling = [0, 1, 4, 8, 9, 12, 0x22, 0x2c, 0x39, 0x5b, 0x7b, 0x7d, 0x80, 0xc0, 0xed, 0xff]

/** Places are numbers that wrap around the file's length. */
export const byteDamage = (others: readonly Uint8Array[]): fc.Arbitrary<ByteDamage> => {
  const part = fc
    .tuple(fc.constantFrom(...others), fc.nat(10_000), fc.integer({ min: 1, max: 64 }))
    .map(([bytes, at, length]) => [...bytes.subarray(at % bytes.length).subarray(0, length)])
  const bytes = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...telling).map((byte) => [byte]) },
    { weight: 3, arbitrary: fc.nat(255).map((byte) => [byte]) },
    { weight: 1, arbitrary: fc.constant([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]) },
    { weight: 1, arbitrary: part },
  )
  return fc.record({
    changes: fc.array(fc.record({ at: fc.nat(100_000), bytes, isInserted: fc.boolean() }), {
      maxLength: 3,
    }),
    cut: fc.option(fc.nat(100_000), { freq: 4 }),
  })
}

export const damageBytes = (
  given: Uint8Array,
  { changes, cut }: ByteDamage,
): Uint8Array<ArrayBuffer> => {
  const bytes = [...given]
  for (const { at, bytes: other, isInserted } of changes) {
    bytes.splice(at % (bytes.length + 1), isInserted ? 0 : other.length, ...other)
  }
  return Uint8Array.from(cut === null ? bytes : bytes.slice(0, cut % (bytes.length + 1)))
}

/** Texts of JSON files, damaged as JSON, one in five as bytes as well. */
export const damagedJson = (
  texts: readonly string[],
  words: readonly string[],
): fc.Arbitrary<Uint8Array<ArrayBuffer>> => {
  const others = texts.map((text) => encoder.encode(text))
  const bytes = fc.oneof(
    { weight: 4, arbitrary: fc.constant(noByteDamage) },
    { weight: 1, arbitrary: byteDamage(others) },
  )
  return fc
    .tuple(fc.constantFrom(...texts), changesTo(words), bytes)
    .map(([text, changes, damage]) => {
      const changed = encoder.encode(changes.length === 0 ? text : changeJson(text, changes))
      return damage === noByteDamage ? changed : damageBytes(changed, damage)
    })
}

/** A file in memory that fails on any read outside it, with no EngineError. */
export const strictFile = (name: string, bytes: Uint8Array): ByteSource => ({
  name,
  size: bytes.length,
  read: async (offset, length) => {
    if (!(offset >= 0 && length >= 0 && offset + length <= bytes.length)) {
      throw new RangeError(`read of ${length} at ${offset} in ${name} of ${bytes.length}`)
    }
    return bytes.slice(offset, offset + length)
  },
})

/*
 * Running a case.
 */

const maxCaseMicroseconds = 1_000_000
const maxCaseBytes = 256 * mebibyte
const maxMessageLength = 4000
const shownLength = 2000

/** Where a case that never ends is found out: this thread could not tell. */
const watchdog = `
  const { workerData: { state, input } } = require('node:worker_threads')
  const counter = new Int32Array(state)
  let seen = 0
  setInterval(() => {
    const count = Atomics.load(counter, 0)
    if (count === 0 || count !== seen) return void (seen = count)
    const text = Buffer.from(new Uint8Array(input).slice(0, counter[1])).toString()
    require('node:fs').writeSync(2, 'This input never ends (seed ' + counter[2] + '):\\n' + text + '\\n')
    process.kill(process.pid, 'SIGKILL')
  }, 30000)
`

const state = new Int32Array(new SharedArrayBuffer(12))
const input = new Uint8Array(new SharedArrayBuffer(shownLength * 3))

const show = (bytes: Uint8Array): string => {
  const text = new TextDecoder().decode(bytes.subarray(0, shownLength))
  return bytes.length > shownLength ? `${text}… (${bytes.length} bytes)` : text
}

const usedBytes = (): number => {
  const { used_heap_size, external_memory } = getHeapStatistics()
  return used_heap_size + external_memory
}

/** What came of it: `loaded`, or the code of an EngineError. Anything else throws. */
const runCase = async (
  bytes: Uint8Array<ArrayBuffer>,
  use: (bytes: Uint8Array<ArrayBuffer>) => Promise<void> | void,
): Promise<string> => {
  const before = usedBytes()
  const start = process.cpuUsage()
  let outcome = 'loaded'
  try {
    await use(bytes)
  } catch (error) {
    if (!(error instanceof EngineError) || error.code === 'internal') throw error
    if (error.message.length > maxMessageLength) {
      throw new Error('a message without end', { cause: error })
    }
    outcome = error.code
  }
  // Processor time: the machine may be busy with something else.
  const { user, system } = process.cpuUsage(start)
  if (user + system > maxCaseMicroseconds) throw new Error(`it took ${user + system} µs`)
  const taken = usedBytes() - before
  if (taken > maxCaseBytes) throw new Error(`it took ${taken} bytes of memory`)
  return outcome
}

/**
 * Tries the inputs; each must load and work, or end in an EngineError. Fails with the seed and the
 * smallest input that does neither.
 *
 * @param share The part of all cases that these are.
 * @returns The part of these cases that each outcome has.
 */
export const tryMalformed = async (
  share: number,
  inputs: fc.Arbitrary<Uint8Array<ArrayBuffer>>,
  use: (bytes: Uint8Array<ArrayBuffer>) => Promise<void> | void,
): Promise<Record<string, number>> => {
  const numRuns = Math.ceil(share * numMalformed)
  const outcomes = new Map<string, number>()
  const workerData = { state: state.buffer, input: input.buffer }
  const worker = new Worker(watchdog, { eval: true, workerData })
  state[2] = fc.readConfigureGlobal().seed ?? 0
  try {
    const property = fc.asyncProperty(inputs, async (bytes) => {
      state[1] = encoder.encodeInto(show(bytes), input).written
      Atomics.add(state, 0, 1)
      try {
        const outcome = await runCase(bytes, use)
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      } catch (cause) {
        throw new Error(`${String(cause)}, for this input:\n${show(bytes)}`, { cause })
      }
    })
    const { failed, seed, counterexamplePath, errorInstance } = await fc.check(property, {
      numRuns,
    })
    if (failed) {
      const how = `PROPERTY_SEED=${seed}, path ${counterexamplePath}`
      throw new Error(`${String(errorInstance)}\n(${how})`, { cause: errorInstance })
    }
  } finally {
    Atomics.store(state, 0, 0)
    await worker.terminate()
  }
  return Object.fromEntries([...outcomes].map(([outcome, count]) => [outcome, count / numRuns]))
}
