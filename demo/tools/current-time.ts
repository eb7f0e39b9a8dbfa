import { normalizeName, textArgument, type Tool } from './tool.ts'

/** Places whose name is not the last part of an IANA zone name. */
const places: Readonly<Record<string, string>> = {
  utc: 'UTC',
  gmt: 'UTC',
  z: 'UTC',
  est: 'America/New_York',
  edt: 'America/New_York',
  cst: 'America/Chicago',
  mst: 'America/Denver',
  pst: 'America/Los_Angeles',
  pdt: 'America/Los_Angeles',
  cet: 'Europe/Paris',
  cest: 'Europe/Paris',
  bst: 'Europe/London',
  ist: 'Asia/Kolkata',
  jst: 'Asia/Tokyo',
  aest: 'Australia/Sydney',
  'san francisco': 'America/Los_Angeles',
  seattle: 'America/Los_Angeles',
  'las vegas': 'America/Los_Angeles',
  california: 'America/Los_Angeles',
  boston: 'America/New_York',
  washington: 'America/New_York',
  miami: 'America/New_York',
  philadelphia: 'America/New_York',
  atlanta: 'America/New_York',
  nyc: 'America/New_York',
  montreal: 'America/Toronto',
  ottawa: 'America/Toronto',
  houston: 'America/Chicago',
  dallas: 'America/Chicago',
  austin: 'America/Chicago',
  rio: 'America/Sao_Paulo',
  'rio de janeiro': 'America/Sao_Paulo',
  brasilia: 'America/Sao_Paulo',
  quito: 'America/Guayaquil',
  mumbai: 'Asia/Kolkata',
  delhi: 'Asia/Kolkata',
  'new delhi': 'Asia/Kolkata',
  bangalore: 'Asia/Kolkata',
  chennai: 'Asia/Kolkata',
  india: 'Asia/Kolkata',
  beijing: 'Asia/Shanghai',
  shenzhen: 'Asia/Shanghai',
  china: 'Asia/Shanghai',
  osaka: 'Asia/Tokyo',
  kyoto: 'Asia/Tokyo',
  japan: 'Asia/Tokyo',
  hanoi: 'Asia/Ho_Chi_Minh',
  'abu dhabi': 'Asia/Dubai',
  'tel aviv': 'Asia/Jerusalem',
  ankara: 'Europe/Istanbul',
  geneva: 'Europe/Zurich',
  basel: 'Europe/Zurich',
  munich: 'Europe/Berlin',
  hamburg: 'Europe/Berlin',
  cologne: 'Europe/Berlin',
  frankfurt: 'Europe/Berlin',
  germany: 'Europe/Berlin',
  lyon: 'Europe/Paris',
  marseille: 'Europe/Paris',
  nantes: 'Europe/Paris',
  france: 'Europe/Paris',
  milan: 'Europe/Rome',
  naples: 'Europe/Rome',
  italy: 'Europe/Rome',
  barcelona: 'Europe/Madrid',
  seville: 'Europe/Madrid',
  spain: 'Europe/Madrid',
  porto: 'Europe/Lisbon',
  edinburgh: 'Europe/London',
  manchester: 'Europe/London',
  ghent: 'Europe/Brussels',
  bergen: 'Europe/Oslo',
  'cape town': 'Africa/Johannesburg',
  canberra: 'Australia/Sydney',
  wellington: 'Pacific/Auckland',
  'new zealand': 'Pacific/Auckland',
}

const isZone = (name: string): boolean => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

/**
 * The IANA zone that a model or a person means: a zone name in any case, an offset such as UTC+2, an
 * abbreviation, or a city.
 *
 * @throws Error when nothing fits.
 */
export const resolveZone = (said: string): string => {
  const name = normalizeName(said.replace(/^(in|at) /i, ''))
  const offset = /^(?:utc|gmt)\s*([+-])\s*(\d{1,2})(?::?(\d{2}))?$/.exec(name)
  if (offset) {
    const [, sign, hours = '0', minutes = '00'] = offset
    return `${sign}${hours.padStart(2, '0')}:${minutes}`
  }
  const city = name.split('/').at(-1)?.split(',')[0]?.trim() ?? name
  const place = places[name] ?? places[city]
  const zones = Intl.supportedValuesOf('timeZone')
  const matches = (zone: string) => {
    const zoneName = normalizeName(zone)
    return zoneName === name || zoneName.endsWith(`/${city}`)
  }
  const found = place ?? zones.find(matches)
  if (found) return found
  const candidate = said.trim().replaceAll(' ', '_')
  if (candidate.includes('/') && isZone(candidate)) return candidate
  throw new Error(`No time zone is known for "${said}". Try an IANA name such as Europe/Paris.`)
}

/** Date, weekday and 24-hour time in a zone, in English. */
export const timeIn = (zone: string, now: Date) => {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'long',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(now)
  const part = (type: Intl.DateTimeFormatPartTypes) =>
    parts.find((entry) => entry.type === type)?.value ?? ''
  return {
    time: `${part('hour')}:${part('minute')}`,
    date: `${part('year')}-${part('month')}-${part('day')}`,
    weekday: part('weekday'),
  }
}

export const currentTime: Tool = {
  name: 'get_current_time',
  description: 'Gets the current time in a time zone.',
  parameters: {
    type: 'object',
    properties: { timezone: { type: 'string', description: 'IANA name, such as Europe/Paris' } },
    required: ['timezone'],
  },
  run: (args) => {
    const zone = resolveZone(textArgument(args, 'timezone'))
    return { timezone: zone, time: timeIn(zone, new Date()).time }
  },
}
