import { describe, expect, it } from 'vitest'
import { currentTime, resolveZone, timeIn } from '../../../../demo/tools/current-time.ts'

describe('resolveZone', () => {
  it.each([
    ['Asia/Tokyo', 'Asia/Tokyo'],
    ['asia/tokyo', 'Asia/Tokyo'],
    ['Tokyo', 'Asia/Tokyo'],
    ['in new york', 'America/New_York'],
    ['America/New York', 'America/New_York'],
    ['São Paulo', 'America/Sao_Paulo'],
    ['San Francisco, CA', 'America/Los_Angeles'],
    ['Mumbai', 'Asia/Kolkata'],
    ['Europe/Munich', 'Europe/Berlin'],
    ['UTC', 'UTC'],
    ['UTC+2', '+02:00'],
    ['gmt -5:30', '-05:30'],
  ])('%s is %s', (said, zone) => {
    expect(resolveZone(said)).toBe(zone)
  })

  it('names what it does not know and a way out', () => {
    expect(() => resolveZone('Flornak')).toThrow(/"Flornak".*Europe\/Paris/)
  })
})

describe('timeIn', () => {
  const moment = new Date('2026-01-01T23:05:00Z')

  it('crosses the date line with the zone', () => {
    expect(timeIn('Asia/Tokyo', moment)).toEqual({
      time: '08:05',
      date: '2026-01-02',
      weekday: 'Friday',
    })
  })

  it('writes midnight as 00', () => {
    expect(timeIn('Europe/Paris', moment).time).toBe('00:05')
  })
})

describe('get_current_time', () => {
  it('answers with the zone that it used', () => {
    const result = currentTime.run({ timezone: 'paris' }, new AbortController().signal)
    expect(result).toEqual({
      timezone: 'Europe/Paris',
      time: expect.stringMatching(/^\d\d:\d\d$/),
    })
  })
})
