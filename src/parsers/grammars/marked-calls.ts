import { findMarker, matchMarker } from '../marker-search.ts'
import type { ToolSchemas } from '../tool-schemas.ts'
import type { CallReader } from './call-reader.ts'
import { createHeaderCallReader, type HeaderCall } from './header-call-reader.ts'
import { createJsonCallReader, type CallKeys } from './json-call-reader.ts'
import type { OutputWriter, ToolCallParser } from './output-writer.ts'
import { createPythonCallReader, type PythonCall } from './python-call-reader.ts'

/** A marker that opens calls. */
export type CallOpening = {
  readonly marker: string
  /** What ends the calls; null: they end where they do. */
  readonly close: string | null
  /** The marker is content all the same. */
  readonly isContent?: boolean
  /** No calls up to the closing marker, but text that may hold other openings. */
  readonly isVerbatim?: boolean
  /** The model tends to write its list of calls a second time, closing marker and all. */
  readonly isEchoed?: boolean
}

/** Tool calls, alone or in a list, between markers or bare. */
export type MarkedCalls = {
  readonly kind: 'marked-calls'
  readonly openings: readonly CallOpening[]
  /** Where calls may begin without a marker: with a bracket anywhere, or with a list at the start. */
  readonly bare: 'anywhere' | 'start' | null
  /** Markers that only stand around calls and are dropped. */
  readonly layout: readonly string[]
  /** Characters that may stand between two calls, white space aside. */
  readonly separators: string
  /** How a call may be written. */
  readonly calls: readonly (CallKeys | HeaderCall | PythonCall)[]
}

/** A stretch of text that an opening, or a bare bracket, declares to be calls. */
type Region = {
  readonly close: string | null
  readonly isVerbatim: boolean
  readonly isEchoed: boolean
  /** What was read since the last call: content again should no call come of it. */
  raw: string
  inList: boolean
  /** The list has ended: what comes may well be text. */
  isListOver: boolean
  hasCalls: boolean
  reader: CallReader | null
}

const openRegion = (raw: string, opening?: CallOpening): Region => ({
  close: opening?.close ?? null,
  isVerbatim: opening?.isVerbatim ?? false,
  isEchoed: opening?.isEchoed ?? false,
  raw,
  inList: false,
  isListOver: false,
  hasCalls: false,
  reader: null,
})

type BeginCall = (region: Region, char: string) => CallReader | null

/** Between two calls: whether the character belongs there. */
const readBetween = (
  region: Region,
  char: string,
  begin: BeginCall,
  separators: string,
): boolean => {
  const { inList, hasCalls } = region
  if (char.trim() === '' || (hasCalls && separators.includes(char)) || (inList && char === ',')) {
    region.raw += char
    return true
  }
  if (char === '[' && !inList && !hasCalls) region.inList = true
  else if (hasCalls && (char === ']' || char === '}')) {
    // The list's end, or one bracket too many: small models often lose count.
    region.raw = ''
    region.isListOver ||= inList
    return true
  } else {
    region.reader = begin(region, char)
    if (region.reader === null) return false
  }
  region.raw += char
  return true
}

/** Reads one character of the call at hand. False: the region is over in front of it. */
const readCall = (region: Region, reader: CallReader, char: string): boolean => {
  const result = reader.read(char)
  if (result === 'invalid') {
    if (reader.isEmitted()) endCall(region, reader, 'complete')
    return false
  }
  region.raw += char
  if (result === 'done') endCall(region, reader, null)
  return true
}

/** `null`: the reader has ended its call by itself. */
const endCall = (region: Region, reader: CallReader, how: 'complete' | 'cut' | null) => {
  if (how !== null && !reader.end(how)) return
  region.reader = null
  region.hasCalls = true
  region.raw = ''
}

const brackets = ['{', '[']

export const createMarkedCallsParser = (
  format: MarkedCalls,
  writer: OutputWriter,
  schemas: ToolSchemas,
): ToolCallParser => {
  const markers = [...format.openings.map((opening) => opening.marker), ...format.layout]
  const textMarkers = format.bare === 'anywhere' ? [...markers, ...brackets] : markers
  let buffer = ''
  let region: Region | null = null
  let isStart = format.bare === 'start'
  /** The closing marker behind which an echo of the calls may come. */
  let echoEnd: string | null = null

  const take = (length: number): string => {
    const text = buffer.slice(0, length)
    buffer = buffer.slice(length)
    return text
  }
  /** A reader that has read the character; null where no call begins with it. */
  const begin: BeginCall = ({ inList, hasCalls }, char) => {
    for (const call of format.calls) {
      if (call.kind === 'object') {
        if (char === '{') return createJsonCallReader(call, writer)
        continue
      }
      // One header a marker: text behind a call's arguments is no further header.
      if (call.kind === 'header' && (inList || hasCalls)) continue
      const reader =
        call.kind === 'header'
          ? createHeaderCallReader(call, writer, schemas)
          : createPythonCallReader(writer)
      if (reader.read(char) === 'more') return reader
    }
    return null
  }

  /** A bare bracket at the output's beginning. False: more text is needed to tell. */
  const stepStart = (final: boolean): boolean => {
    const at = buffer.length - buffer.trimStart().length
    if (at === buffer.length && !final) return false
    const match = matchMarker(buffer, markers, { at, final })
    if (match === 'partial') return false
    isStart = false
    if (match === 'none' && buffer[at] === '[') {
      writer.content(take(at))
      region = openRegion('')
    }
    return true
  }
  /** Drops an echo of the calls: a list, up to the closing marker or else no further than its line. */
  const stepEcho = (close: string, final: boolean): boolean => {
    const at = buffer.length - buffer.trimStart().length
    if (at === buffer.length && !final) return false
    const end = buffer[at] === '[' ? findMarker(buffer, [close, '\n'], { from: at, final }) : null
    if (end?.marker === null && !final) return false
    echoEnd = null
    if (end?.marker === close) take(end.at + close.length)
    return true
  }
  const stepText = (final: boolean): boolean => {
    const { at, marker } = findMarker(buffer, textMarkers, { final })
    writer.content(take(at))
    if (marker === null) return false
    if (brackets.includes(marker)) {
      region = openRegion('')
      return true
    }
    take(marker.length)
    const opening = format.openings.find((candidate) => candidate.marker === marker)
    if (opening === undefined) {
      writer.layout()
      return true
    }
    if (opening.isContent) writer.content(marker)
    region = openRegion(opening.isContent ? '' : marker, opening)
    return true
  }
  const leave = (current: Region, dropsLayout: boolean) => {
    if (!(dropsLayout && current.hasCalls && current.reader === null)) writer.content(current.raw)
    region = null
  }
  const closeRegion = (current: Region, close: string) => {
    if (current.reader) endCall(current, current.reader, 'complete')
    const isContent = current.reader !== null || !current.hasCalls
    leave(current, true)
    if (isContent) writer.content(close)
    else if (current.isEchoed) echoEnd = close
  }
  const stepVerbatim = (close: string, final: boolean): boolean => {
    const { at, marker } = findMarker(buffer, [close], { final })
    writer.content(take(at + (marker?.length ?? 0)))
    if (marker !== null) region = null
    return marker !== null
  }
  const stepRegion = (current: Region, final: boolean): boolean => {
    const { close } = current
    if (current.isVerbatim && close !== null) return stepVerbatim(close, final)
    for (let at = 0; at < buffer.length; at++) {
      const char = buffer.charAt(at)
      const { reader } = current
      if (close !== null && char === close[0] && !reader?.inString()) {
        const match = matchMarker(buffer, [close], { at, final })
        if (match === 'partial') {
          take(at)
          return false
        }
        if (match !== 'none') {
          take(at + close.length)
          closeRegion(current, close)
          return true
        }
      }
      const isInside = reader
        ? readCall(current, reader, char)
        : readBetween(current, char, begin, format.separators)
      if (!isInside) {
        take(at)
        leave(current, false)
        return true
      }
    }
    buffer = ''
    return false
  }
  const run = (final: boolean) => {
    const step = (): boolean => {
      if (buffer === '') return false
      if (region) return stepRegion(region, final)
      if (echoEnd !== null) return stepEcho(echoEnd, final)
      return isStart ? stepStart(final) : stepText(final)
    }
    while (step()) continue
  }
  return {
    push: (text) => {
      buffer += text
      run(false)
    },
    finish: (reason) => {
      if (region === null && echoEnd === null) return writer.rest(buffer)
      // Cut off inside its closing marker, a call is still a call, and the rest no text.
      if (region && (region.hasCalls || region.reader?.isEmitted())) buffer = ''
      run(true)
      if (region === null) return
      const { reader } = region
      if (reader) {
        const isWhole = reason === 'stop' && reader.isEmitted()
        endCall(region, reader, isWhole ? 'complete' : 'cut')
      }
      if (region.isListOver) writer.content(region.raw)
      else if (region.reader || !region.hasCalls) writer.rest(region.raw)
    },
  }
}
