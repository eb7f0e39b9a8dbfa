import { findMarker } from '../marker-search.ts'
import type { OutputWriter, ToolCallParser } from './output-writer.ts'

/**
 * Passes an output on to one of two parsers: to `json` where a bracket follows the first marker,
 * else to `tagged`. Text in front of the marker is content.
 */
export const createEitherParser = (
  marker: string,
  writer: OutputWriter,
  parsers: { readonly json: ToolCallParser; readonly tagged: ToolCallParser },
): ToolCallParser => {
  let buffer = ''
  let chosen: ToolCallParser | null = null

  const choose = (final: boolean) => {
    const { at, marker: found } = findMarker(buffer, [marker], { final })
    writer.content(buffer.slice(0, at))
    buffer = buffer.slice(at)
    const body = buffer.slice(marker.length).trimStart()
    if (found === null || (body === '' && !final)) return
    chosen = '{['.includes(body.charAt(0)) ? parsers.json : parsers.tagged
    chosen.push(buffer)
  }
  return {
    push: (text) => {
      if (chosen) return chosen.push(text)
      buffer += text
      choose(false)
    },
    finish: (reason) => {
      if (chosen === null) choose(true)
      chosen?.finish(reason)
    },
  }
}
