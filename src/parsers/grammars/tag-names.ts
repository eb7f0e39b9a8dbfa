/** The value of a tag's attribute, quoted or not; null where it has none. */
export const readAttribute = (tag: string, attribute: string): string | null => {
  const quoted = new RegExp(
    `(?:^|[\\s"'])${attribute}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'=]+))`,
    'u',
  )
  const found = quoted.exec(tag)
  const written = found && (found[1] ?? found[2] ?? found[3])
  return written?.replaceAll('&quot;', '"').replaceAll('&amp;', '&') ?? null
}

/** The name in a tag: an attribute's value, or all that stands in it. */
export const nameIn = (tag: string, attribute: string | null): string => {
  if (attribute !== null) return readAttribute(tag, attribute)?.trim() ?? ''
  return tag.trim().replace(/^(["'])(.*)\1$/, '$2')
}
