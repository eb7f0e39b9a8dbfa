export type MarkerMatch = {
  /** Where the marker, or what may become one, begins; the text's length where there is neither. */
  readonly at: number
  /** Null: the text from `at` on may still grow into a marker and must be held back. */
  readonly marker: string | null
}

/**
 * The first of the markers in a text that may still grow. Of markers that begin at the same place
 * the longest wins. `final` says that no more text follows, so nothing needs holding back.
 */
export const findMarker = (
  text: string,
  markers: readonly string[],
  { from = 0, final = false }: { readonly from?: number; readonly final?: boolean } = {},
): MarkerMatch => {
  for (let at = from; at < text.length; at++) {
    const match = matchMarker(text, markers, { at, final })
    if (match !== 'none') return { at, marker: match === 'partial' ? null : match.marker }
  }
  return { at: text.length, marker: null }
}

/** Whether one of the markers stands, or may come to stand, at this place of the text. */
export const matchMarker = (
  text: string,
  markers: readonly string[],
  { at, final }: { readonly at: number; readonly final: boolean },
): 'none' | 'partial' | { readonly marker: string } => {
  const length = text.length - at
  let longest: string | null = null
  for (const marker of markers) {
    if (marker[0] !== text[at]) continue
    if (length < marker.length) {
      if (!final && marker.startsWith(text.slice(at))) return 'partial'
    } else if (text.startsWith(marker, at) && marker.length > (longest?.length ?? 0)) {
      longest = marker
    }
  }
  return longest === null ? 'none' : { marker: longest }
}
