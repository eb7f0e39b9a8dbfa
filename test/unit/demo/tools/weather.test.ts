import { afterEach, describe, expect, it, vi } from 'vitest'
import { readCurrent, weather } from '../../../../demo/tools/weather.ts'

const { signal } = new AbortController()
const place = { name: 'Oslo', latitude: 59.91, longitude: 10.75 }

const serve = (answers: Record<string, unknown>) => {
  vi.stubGlobal('navigator', { onLine: true })
  const urls: string[] = []
  vi.stubGlobal('fetch', async (url: string) => {
    urls.push(url)
    return Response.json(answers[new URL(url).pathname])
  })
  return urls
}

afterEach(() => vi.unstubAllGlobals())

describe('get_weather', () => {
  it('finds the city, then asks for its weather', async () => {
    const urls = serve({
      '/v1/search': { results: [place] },
      '/v1/forecast': { current: { temperature_2m: -3.6, weather_code: 73 } },
    })
    expect(await weather.run({ city: 'oslo' }, signal)).toEqual({
      city: 'Oslo',
      temperature: -4,
      unit: 'C',
      condition: 'snowy',
    })
    expect(urls[1]).toContain('latitude=59.91&longitude=10.75')
  })

  it('says which city it did not find', async () => {
    serve({ '/v1/search': {} })
    await expect(weather.run({ city: 'Flornak' }, signal)).rejects.toThrow('"Flornak"')
  })

  it('says that it is offline without trying', async () => {
    const fetching = vi.fn()
    vi.stubGlobal('navigator', { onLine: false })
    vi.stubGlobal('fetch', fetching)
    await expect(weather.run({ city: 'Oslo' }, signal)).rejects.toThrow('you are offline')
    expect(fetching).not.toHaveBeenCalled()
  })

  it('says that it is offline when the request fails', async () => {
    vi.stubGlobal('navigator', { onLine: true })
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')))
    await expect(weather.run({ city: 'Oslo' }, signal)).rejects.toThrow('you are offline')
  })
})

describe('readCurrent', () => {
  it('has a word for codes that it does not know', () => {
    expect(readCurrent({ temperature_2m: 8.4, weather_code: 42 })).toMatchObject({
      temperature: 8,
      condition: 'unsettled',
    })
  })

  it('refuses an answer without a temperature', () => {
    expect(() => readCurrent(null)).toThrow('no temperature')
  })
})
