const year = String.raw`\d{4}`
const leapYear = String.raw`(\d\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)`
const day28 = String.raw`(0[1-9]|1\d|2[0-8])`
const dayOfMonth = String.raw`((0[13578]|1[02])-(${day28}|29|3[01]|30)|(0[469]|11)-(${day28}|29|30)|02-${day28})`
const date = `(${year}-${dayOfMonth}|${leapYear}-02-29)`
const time = String.raw`([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+\-]([01]\d|2[0-3]):[0-5]\d)`
const byte = String.raw`(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`
const ipv4 = `${byte}(\\.${byte}){3}`
const group = '[0-9a-fA-F]{1,4}'
const label = '[a-zA-Z0-9]([a-zA-Z0-9\\-]{0,28}[a-zA-Z0-9])?'
const hostname = `${label}(\\.${label}){0,7}`
const atom = '[a-zA-Z0-9_+\\-]{1,32}'
const pathCharacter = "([a-zA-Z0-9._~!$&'()*+,;=:@\\-]|%[0-9a-fA-F]{2})"
const afterHost = `(/(${pathCharacter}|/)*)?(\\?(${pathCharacter}|[/?])*)?(#(${pathCharacter}|[/?])*)?`
const origin = `[a-zA-Z][a-zA-Z0-9+.\\-]*://${hostname}(:\\d{1,5})?`
const pointer = '(/([^/~]|~[01])*)*'
const shortened = Array.from(
  { length: 7 },
  (_, before) => `(${group}:){${before + 1}}(:${group}){1,${Math.max(1, 6 - before)}}`,
)
const durationTime = String.raw`T(\d{1,9}H(\d{1,9}M(\d{1,9}S)?)?|\d{1,9}M(\d{1,9}S)?|\d{1,9}S)`
const durationDate = String.raw`(\d{1,9}D|\d{1,9}M(\d{1,9}D)?|\d{1,9}Y(\d{1,9}M(\d{1,9}D)?)?)`

/**
 * Regular expressions, matched from end to end, for JSON Schema's string formats. Each is at least as
 * narrow as its RFC, and for dates and times exact, leap seconds apart. An email has up to 254
 * characters, as many as can be sent to.
 */
export const stringFormats: Readonly<Record<string, string>> = {
  date,
  time,
  'date-time': `${date}T${time}`,
  duration: `P(${durationDate}(${durationTime})?|${durationTime}|\\d{1,9}W)`,
  email: `${atom}(\\.${atom}){0,2}@(${label}\\.){1,4}[a-zA-Z]{2,20}`,
  hostname,
  ipv4,
  ipv6: `((${group}:){7}${group}|::(${group}(:${group}){0,6})?|${shortened.slice(0, 6).join('|')}|(${group}:){1,7}:)`,
  uri: `${origin}${afterHost}`,
  'uri-reference': `(${origin})?${afterHost}`,
  iri: `${origin}${afterHost}`,
  'iri-reference': `(${origin})?${afterHost}`,
  'json-pointer': pointer,
  'relative-json-pointer': `(0|[1-9]\\d{0,8})(#|${pointer})`,
  uuid: '[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}',
}

/** Formats that say how a value is used, and not how it is written. */
export const annotatingFormats: ReadonlySet<string> = new Set([
  'password',
  'path',
  'binary',
  'int64',
  'uint64',
  'float',
  'double',
])
