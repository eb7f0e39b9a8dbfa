import { textArgument, type Tool } from './tool.ts'

/** WMO weather interpretation codes, as Open-Meteo documents them for `weather_code`. */
const conditions: Readonly<Record<number, string>> = {
  0: 'clear',
  1: 'mostly clear',
  2: 'partly cloudy',
  3: 'overcast',
  45: 'foggy',
  48: 'foggy',
  51: 'drizzle',
  53: 'drizzle',
  55: 'drizzle',
  56: 'freezing drizzle',
  57: 'freezing drizzle',
  61: 'light rain',
  63: 'rainy',
  65: 'heavy rain',
  66: 'freezing rain',
  67: 'freezing rain',
  71: 'light snow',
  73: 'snowy',
  75: 'heavy snow',
  77: 'snow grains',
  80: 'light rain',
  81: 'rainy',
  82: 'heavy rain',
  85: 'light snow',
  86: 'heavy snow',
  95: 'stormy',
  96: 'stormy',
  99: 'stormy',
}

const offline = 'you are offline, so the weather service cannot be reached'

const getJson = async (url: string, signal: AbortSignal): Promise<Record<string, unknown>> => {
  if (!navigator.onLine) throw new Error(offline)
  const patience = AbortSignal.any([signal, AbortSignal.timeout(8000)])
  const response = await fetch(url, { signal: patience }).catch((thrown: unknown) => {
    if (signal.aborted) throw thrown
    throw new Error(offline)
  })
  if (!response.ok) throw new Error(`The weather service answered with status ${response.status}.`)
  return (await response.json()) as Record<string, unknown>
}

type Place = { readonly name: string; readonly latitude: number; readonly longitude: number }

const isPlace = (value: unknown): value is Place =>
  typeof value === 'object' &&
  value !== null &&
  'latitude' in value &&
  typeof value.latitude === 'number' &&
  'longitude' in value &&
  typeof value.longitude === 'number' &&
  'name' in value &&
  typeof value.name === 'string'

const findPlace = async (city: string, signal: AbortSignal): Promise<Place> => {
  const query = new URLSearchParams({ name: city, count: '1', language: 'en', format: 'json' })
  const found = await getJson(`https://geocoding-api.open-meteo.com/v1/search?${query}`, signal)
  const place: unknown = Array.isArray(found['results']) ? found['results'][0] : undefined
  if (!isPlace(place)) throw new Error(`No place named "${city}" was found.`)
  return place
}

/** Turns Open-Meteo's `current` object into words; null where a reading is missing. */
export const readCurrent = (current: unknown) => {
  const reading = (name: string): number | null => {
    const value = (current as Record<string, unknown> | null | undefined)?.[name]
    return typeof value === 'number' ? value : null
  }
  const temperature = reading('temperature_2m')
  const code = reading('weather_code')
  if (temperature === null) throw new Error('The weather service sent no temperature.')
  return {
    temperature: Math.round(temperature),
    unit: 'C',
    condition: (code === null ? undefined : conditions[code]) ?? 'unsettled',
  }
}

export const weather: Tool = {
  name: 'get_weather',
  description: 'Gets the current weather in a city.',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
  },
  run: async (args, signal) => {
    const place = await findPlace(textArgument(args, 'city'), signal)
    const query = new URLSearchParams({
      latitude: String(place.latitude),
      longitude: String(place.longitude),
      current: 'temperature_2m,weather_code',
    })
    const forecast = await getJson(`https://api.open-meteo.com/v1/forecast?${query}`, signal)
    return { city: place.name, ...readCurrent(forecast['current']) }
  },
}
