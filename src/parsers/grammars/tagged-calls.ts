import { findMarker, matchMarker } from '../marker-search.ts'
import type { Schema } from '../parameter-schemas.ts'
import { literalText, type ToolSchemas } from '../tool-schemas.ts'
import { parseJson, quoteText } from './json-text.ts'
import { nestedJson } from './nested-elements.ts'
import type { OutputWriter, ToolCallParser } from './output-writer.ts'
import { nameIn, readAttribute } from './tag-names.ts'
import {
  createTaggedValue,
  createTrimmer,
  createWrapperValue,
  type TaggedValue,
  type ValueTrim,
} from './tagged-value.ts'

/** A tag with a name in it. */
type NamingTag = {
  /** Its beginning, up to the name or the attributes. */
  readonly open: string
  /** What ends it; null: it ends where a parameter, or the call's end, begins. */
  readonly end: string | null
  /** The attribute that holds the name; null: the name is all that stands in the tag. */
  readonly attribute: string | null
}

/** Tool calls as tags: a call's holds its name, and around each argument stand further ones. */
export type TaggedCalls = {
  readonly kind: 'tagged-calls'
  /** Tags that stand around calls; elsewhere they are text. */
  readonly wrappers: readonly string[]
  /** Markers that only stand around calls and arguments and are dropped. */
  readonly layout: readonly string[]
  readonly call: NamingTag & { readonly close: string }
  readonly parameter: NamingTag & {
    readonly end: string
    /** What stands between the name and the value; null: nothing. */
    readonly valueOpen: string | null
    /** What ends the value; `{name}` stands for the parameter's name. */
    readonly close: string
    /** The attribute that tells the value's type. */
    readonly typeAttribute: string | null
  }
  readonly trims: ValueTrim
  /** How a value is read of whose type the schema says nothing. */
  readonly untyped: 'string' | 'literal'
  /** Markers around a value in which nothing else is a marker. */
  readonly verbatim: { readonly open: string; readonly close: string } | null
  /** What stands in front of each tag where values may be made of further elements. */
  readonly elementPrefix: string | null
  /** Calls of tools that the request does not have stay content. */
  readonly refusesUnknown: boolean
  /** Markers around the object of all arguments, which may stand in place of parameters. */
  readonly whole: { readonly open: string; readonly close: string } | null
  /** Parameters that, alone and not of the tool, hold the arguments as a whole. */
  readonly unwraps: readonly string[]
}

/** A name longer than this is prose behind something like a tag. */
const longestTag = 256

/** Writes the arguments of one call as one object. */
const createArguments = (writer: OutputWriter) => {
  let numFields = 0
  return {
    field: (key: string) => {
      writer.arguments(`${numFields === 0 ? '{' : ', '}${quoteText(key)}: `)
      numFields++
    },
    isEmpty: () => numFields === 0,
    end: () => writer.arguments(numFields === 0 ? '{}' : '}'),
  }
}

type State =
  | 'text'
  | 'name'
  | 'body'
  | 'key'
  | 'gap'
  | 'value-start'
  | 'value'
  | 'verbatim'
  | 'whole'

type Call = { readonly name: string; readonly fields: ReturnType<typeof createArguments> }

export const createTaggedCallsParser = (
  format: TaggedCalls,
  writer: OutputWriter,
  schemas: ToolSchemas,
): ToolCallParser => {
  const { call: callTag, parameter, verbatim, whole } = format
  let state: State = 'text'
  let buffer = ''
  let call: Call | null = null
  let key = ''
  let keyTag = ''
  let value: TaggedValue | null = null
  /** Takes text between arguments, which is content without the white space around it. */
  let stray = createTrimmer('space', writer.verbatim)
  /** Elements in the value that are called as the parameter is. */
  let numInner = 0
  /** An argument that may turn out to be all of them. */
  let wrapped: { readonly key: string; readonly json: string } | null = null

  const take = (length: number): string => {
    const text = buffer.slice(0, length)
    buffer = buffer.slice(length)
    return text
  }
  const unwrapField = () => {
    if (wrapped === null) return
    call?.fields.field(wrapped.key)
    writer.arguments(wrapped.json)
    wrapped = null
  }
  const endCall = () => {
    if (wrapped) writer.arguments(wrapped.json)
    else call?.fields.end()
    wrapped = null
    call = null
    state = 'text'
  }

  const textMarkers = [callTag.open, ...format.wrappers, ...format.layout]
  const stepText = (final: boolean): boolean => {
    const { at, marker } = findMarker(buffer, textMarkers, { final })
    writer.content(take(at))
    if (marker === null) return false
    if (marker === callTag.open) state = 'name'
    else {
      take(marker.length)
      if (format.wrappers.includes(marker)) writer.wrapper(marker)
      else writer.layout()
    }
    return true
  }
  /** What was taken for a call's tag is text. */
  const refuse = (length: number): true => {
    writer.content(take(length))
    state = 'text'
    return true
  }
  const stepName = (final: boolean): boolean => {
    const from = callTag.open.length
    const ends = callTag.end === null ? [parameter.open, callTag.close] : [callTag.end]
    const { at, marker } = findMarker(buffer, ends, { from, final })
    const tag = buffer.slice(from, at)
    const isProse = callTag.attribute === null && /\S\s+\S/.test(tag)
    if (isProse || tag.length > longestTag) return refuse(from)
    if (marker === null) return final ? refuse(buffer.length) : false
    const end = at + (callTag.end === null ? 0 : marker.length)
    const name = schemas.nameOf(nameIn(tag, callTag.attribute))
    if (name === '' || (format.refusesUnknown && !schemas.has(name))) return refuse(end)
    take(end)
    writer.call(name)
    call = { name, fields: createArguments(writer) }
    state = 'body'
    return true
  }

  const bodyMarkers = [
    parameter.open,
    callTag.close,
    callTag.open,
    ...format.wrappers,
    ...format.layout,
    ...(whole ? [whole.open] : []),
    ...(parameter.close.includes('{name}') ? [] : [parameter.close]),
  ]
  const stepBody = (final: boolean): boolean => {
    const { at, marker } = findMarker(buffer, bodyMarkers, { final })
    stray(take(at))
    if (marker === null) return false
    stray = createTrimmer('space', writer.verbatim)
    if (marker === callTag.open) {
      endCall()
      return true
    }
    take(marker.length)
    if (marker === parameter.open) state = 'key'
    else if (marker === whole?.open) beginWhole()
    else if (marker === callTag.close) endCall()
    return true
  }
  const stepKey = (final: boolean): boolean => {
    const { at, marker } = findMarker(buffer, [parameter.end], { final })
    if (at > longestTag) {
      state = 'body'
      return true
    }
    if (marker === null) return false
    keyTag = take(at)
    take(marker.length)
    key = nameIn(keyTag, parameter.attribute)
    if (key === '' || key.startsWith('/')) state = 'body'
    else state = parameter.valueOpen === null ? 'value-start' : 'gap'
    return true
  }
  const stepGap = (valueOpen: string, final: boolean): boolean => {
    const ends = [valueOpen, parameter.open, callTag.close]
    const { at, marker } = findMarker(buffer, ends, { final })
    if (marker === null) return false
    stray(take(at))
    stray = createTrimmer('space', writer.verbatim)
    state = marker === valueOpen ? 'value-start' : 'body'
    if (marker === valueOpen) take(marker.length)
    return true
  }

  const beginWhole = () => {
    let text = ''
    state = 'whole'
    value = {
      write: (piece) => void (text += piece),
      end: () => {
        const json = literalText(text)
        if (json.startsWith('{') && call?.fields.isEmpty()) wrapped = { key: 'arguments', json }
        else writer.verbatim(text)
      },
      complete: () => {},
    }
  }
  /** Takes an object for all of the arguments, unless the tool has other ones. */
  const unwrap = ({ name }: Call, key: string, json: string): boolean => {
    const fields = Object.keys(Object(parseJson(json)))
    const isKnown = (field: string) => schemas.parameter(name, field) !== undefined
    if (schemas.describes(name) && !fields.every(isKnown)) return false
    wrapped = { key, json }
    return true
  }
  const beginValue = (current: Call, trims: ValueTrim) => {
    unwrapField()
    const schema = schemas.parameter(current.name, key)
    const typeAttribute = parameter.typeAttribute && readAttribute(keyTag, parameter.typeAttribute)
    const prefix = format.elementPrefix
    const mayWrap =
      format.unwraps.includes(key) &&
      current.fields.isEmpty() &&
      schema === undefined &&
      (typeAttribute === 'false' || schemas.describes(current.name))
    const options = {
      trims,
      schema,
      typeAttribute,
      untyped: prefix === null ? format.untyped : ('nested' as const),
      readNested:
        prefix === null
          ? null
          : (text: string, of: Schema | undefined) => nestedJson(text, prefix, of),
    }
    const named = key
    const create = () =>
      createTaggedValue(options, {
        begin: () => current.fields.field(named),
        text: (text) => writer.arguments(text),
      })
    numInner = 0
    value = mayWrap ? createWrapperValue((json) => unwrap(current, named, json), create) : create()
  }
  const stepValueStart = (current: Call, final: boolean): boolean => {
    state = 'value'
    if (verbatim === null) {
      beginValue(current, format.trims)
      return true
    }
    const at = buffer.length - buffer.trimStart().length
    const match = matchMarker(buffer, [verbatim.open], { at, final })
    if (match === 'partial' || (at === buffer.length && !final)) {
      state = 'value-start'
      return false
    }
    beginValue(current, match === 'none' ? format.trims : 'none')
    if (match === 'none') return true
    take(at + verbatim.open.length)
    state = 'verbatim'
    return true
  }
  /** A value ends with its closing tag; a lost one is made up for by what follows a value. */
  const valueEnds = (): readonly string[] => {
    if (state === 'verbatim' && verbatim) return [verbatim.close]
    if (state === 'whole' && whole) return [whole.close, callTag.close]
    const close = parameter.close.replace('{name}', () => key)
    if (format.elementPrefix !== null) return [close]
    return verbatim ? [close, callTag.close] : [close, parameter.open, callTag.close]
  }
  const stepValue = (current: TaggedValue, final: boolean): boolean => {
    const ends = valueEnds()
    const sameElement = format.elementPrefix === null ? [] : [`${parameter.open}${key}>`]
    const { at, marker } = findMarker(buffer, [...ends, ...sameElement], { final })
    current.write(take(at))
    if (marker === null) return false
    const isInner = sameElement.includes(marker) || numInner > 0
    if (isInner) {
      numInner += sameElement.includes(marker) ? 1 : -1
      current.write(take(marker.length))
      return true
    }
    if (marker === ends[0]) take(marker.length)
    current.end()
    value = null
    state = 'body'
    return true
  }

  const step = (final: boolean): boolean => {
    if (buffer === '') return false
    switch (state) {
      case 'text':
        return stepText(final)
      case 'name':
        return stepName(final)
      case 'body':
        return stepBody(final)
      case 'key':
        return stepKey(final)
      case 'gap':
        return stepGap(parameter.valueOpen ?? '', final)
      case 'value-start':
        return call ? stepValueStart(call, final) : false
      default:
        return value ? stepValue(value, final) : false
    }
  }
  const dropPartialMarker = () => {
    const { at, marker } = findMarker(buffer, state === 'body' ? bodyMarkers : valueEnds())
    if (marker === null) buffer = buffer.slice(0, at)
  }
  const run = (final: boolean) => {
    while (step(final)) continue
  }
  return {
    push: (text) => {
      buffer += text
      run(false)
    },
    finish: (reason) => {
      if (state === 'text' || state === 'name') return writer.rest(buffer)
      // What may be the beginning of a marker is no text here.
      if (state === 'body' || state === 'value') dropPartialMarker()
      if (state === 'value-start') buffer = ''
      run(true)
      if (call === null) return
      if (reason === 'stop') value?.complete()
      if (reason === 'stop' || wrapped) endCall()
    },
  }
}
