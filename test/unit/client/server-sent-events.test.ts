import { describe, expect, it } from 'vitest'
import { readServerSentEvents } from '../../../src/client/server-sent-events.ts'
import { openStream, settle, streamOf } from './scripted-fetch.ts'

const parse = async (...pieces: (string | Uint8Array<ArrayBuffer>)[]) => {
  const events: string[][] = []
  for await (const { event, data } of readServerSentEvents(streamOf(...pieces))) {
    events.push([event, data])
  }
  return events
}

const cases: readonly (readonly [what: string, text: string, events: string[][]])[] = [
  ['one event', 'data: a\n\n', [['message', 'a']]],
  [
    'CRLF',
    'data: a\r\n\r\ndata: b\r\n\r\n',
    [
      ['message', 'a'],
      ['message', 'b'],
    ],
  ],
  [
    'CR',
    'data: a\r\rdata: b\r\r',
    [
      ['message', 'a'],
      ['message', 'b'],
    ],
  ],
  [
    'mixed ends',
    'data: a\r\n\ndata: b\n\r\ndata: c\r\r\n',
    [
      ['message', 'a'],
      ['message', 'b'],
      ['message', 'c'],
    ],
  ],
  ['comments', ': ping\n\n: ping\ndata: a\n: ping\n\n', [['message', 'a']]],
  ['several lines that end in CRLF', 'data: a\r\ndata: b\r\n\r\n', [['message', 'a\nb']]],
  ['several data lines', 'data: a\ndata:\ndata: b\n\n', [['message', 'a\n\nb']]],
  [
    'no space, two spaces',
    'data:a\n\ndata:  b\n\n',
    [
      ['message', 'a'],
      ['message', ' b'],
    ],
  ],
  ['a field without colon', 'data\n\n', [['message', '']]],
  ['colons in data', 'data: a: b\n\n', [['message', 'a: b']]],
  [
    'names',
    'event: start\ndata: a\n\ndata: b\n\n',
    [
      ['start', 'a'],
      ['message', 'b'],
    ],
  ],
  ['an event without data', 'event: start\n\ndata: a\n\n', [['message', 'a']]],
  ['other fields', 'id: 1\nretry: 5\nnonsense\ndata: a\n\n', [['message', 'a']]],
  ['a byte order mark', '\uFEFFdata: a\n\n', [['message', 'a']]],
  [
    'no empty line at the end',
    'data: a\n\ndata: b\n',
    [
      ['message', 'a'],
      ['message', 'b'],
    ],
  ],
  [
    'no line end at the end',
    'data: a\n\ndata: b',
    [
      ['message', 'a'],
      ['message', 'b'],
    ],
  ],
  ['characters of four bytes', 'data: 🪶é漢\n\n', [['message', '🪶é漢']]],
  ['nothing', '', []],
]

describe('readServerSentEvents', () => {
  it.each(cases)('%s: whole, byte by byte and cut anywhere', async (_, text, events) => {
    const bytes = new TextEncoder().encode(text)
    expect(await parse(bytes)).toEqual(events)
    expect(await parse(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(events)
    for (let cut = 1; cut < bytes.length; cut++) {
      expect(await parse(bytes.slice(0, cut), bytes.slice(cut))).toEqual(events)
    }
  })

  it('gives an event without waiting for the byte after its end', async () => {
    const { response, send } = openStream()
    const events = readServerSentEvents(response.body!)
    send('data: a\r\n\r')
    expect(await events.next()).toEqual({ done: false, value: { event: 'message', data: 'a' } })
    send('\ndata: b\r\r')
    expect(await events.next()).toEqual({ done: false, value: { event: 'message', data: 'b' } })
  })

  it('reads only as events are asked for', async () => {
    const { response, state, send } = openStream()
    const events = readServerSentEvents(response.body!)
    await settle()
    expect(state.numPulls).toBe(0)
    send('data: a\n\n')
    await events.next()
    await settle()
    expect(state.numPulls).toBeLessThanOrEqual(1)
  })

  it.each([
    ['before the first event', false],
    ['while it waits for one', true],
  ])('cancels the body on return() %s', async (_, isWaiting) => {
    const { response, state } = openStream()
    const events = readServerSentEvents(response.body!)
    const pending = isWaiting ? events.next() : null
    await settle()
    await events.return?.()
    expect(state.cancelled).toBe(true)
    if (pending) expect(await pending).toEqual({ done: true, value: undefined })
    expect(await events.next()).toEqual({ done: true, value: undefined })
  })

  it('passes a broken connection on', async () => {
    const { response, fail } = openStream()
    fail(new TypeError('terminated'))
    await expect(readServerSentEvents(response.body!).next()).rejects.toThrow('terminated')
  })
})
