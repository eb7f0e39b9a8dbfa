/** A value inside a running template, as `@huggingface/jinja` keeps it. */
export type TemplateValue = { readonly type: string; readonly value: unknown }

export type PythonJsonOptions = {
  readonly ensureAscii: boolean
  readonly indent: number | null
  readonly separators: readonly [item: string, key: string] | null
  readonly sortKeys: boolean
}

/** Python's repr of a float: exponents below -4 and from 16 on, of two digits at least. */
export const formatFloat = (value: number): string => {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity'
  const [mantissa = '', power = '0'] = value.toExponential().split('e')
  const exponent = Number(power)
  if (exponent < -4 || exponent >= 16) {
    const sign = exponent < 0 ? '-' : '+'
    return `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`
  }
  if (Number.isInteger(value)) return `${Object.is(value, -0) ? '-0' : value}.0`
  const decimals = Math.max(mantissa.replace(/^-?\d\.?/, '').length - exponent, 1)
  return value.toFixed(decimals)
}

const formatString = (text: string, ensureAscii: boolean): string => {
  const json = JSON.stringify(text)
  if (!ensureAscii) return json
  // All but the mark of literal-marks.ts, which is no part of the text.
  return json.replace(
    /[\u007f-\ufdcf\ufdd1-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

const joinItems = (
  items: readonly string[],
  [open, close]: readonly [string, string],
  { indent, separators }: PythonJsonOptions,
  depth: number,
): string => {
  if (items.length === 0) return open + close
  const separator = separators?.[0] ?? (indent === null ? ', ' : ',')
  if (indent === null) return open + items.join(separator) + close
  const line = `\n${' '.repeat(indent * depth)}`
  const itemLine = line + ' '.repeat(indent)
  return open + itemLine + items.join(separator + itemLine) + line + close
}

/** A template value as Python's `json.dumps` writes it. */
export const toPythonJson = (
  input: TemplateValue,
  options: PythonJsonOptions,
  depth = 0,
): string => {
  const { value } = input
  const write = (child: TemplateValue) => toPythonJson(child, options, depth + 1)
  if (Array.isArray(value)) return joinItems(value.map(write), ['[', ']'], options, depth)
  if (value instanceof Map) {
    const entries: [string, TemplateValue][] = [...value]
    if (options.sortKeys) entries.sort(([a], [b]) => (a < b ? -1 : 1))
    const separator = options.separators?.[1] ?? ': '
    const items = entries.map(
      ([key, child]) => formatString(key, options.ensureAscii) + separator + write(child),
    )
    return joinItems(items, ['{', '}'], options, depth)
  }
  if (typeof value === 'string') return formatString(value, options.ensureAscii)
  if (typeof value === 'number') {
    return input.type === 'FloatValue' ? formatFloat(value) : BigInt(value).toString()
  }
  if (typeof value === 'boolean') return String(value)
  if (value === null || value === undefined) return 'null'
  throw new Error(`Object of type ${input.type} is not JSON serializable`)
}
