/** Uniform in [0, 1), the same sequence for a seed. */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

type Schema = Record<string, unknown>

const names = ['name', 'age', 'city', 'is open', 'tags', 'größe', 'a"b', 'price', 'kind', 'x']
const words = ['red', 'green', 'Oslo', 'a "b"', '日本', 'line\nbreak', '']

/** JSON schemas of all that Quire keeps, whose values are never long. */
export const createSchemaMaker = (seed: number): (() => Schema) => {
  const random = seededRandom(seed)
  const upTo = (count: number) => Math.floor(random() * count)
  const pick = <Item>(items: readonly Item[]): Item => items[upTo(items.length)]!
  const maybe = (part: Schema): Schema => (random() < 0.5 ? part : {})
  const some = <Item>(items: readonly Item[], least = 0): Item[] => {
    const rest = items.toSorted(() => random() - 0.5)
    return rest.slice(0, Math.max(least, upTo(Math.min(4, items.length) + 1)))
  }

  const text = (): Schema => {
    const least = upTo(4)
    return pick<() => Schema>([
      () => ({ type: 'string', maxLength: 1 + upTo(12) }),
      () => ({ type: 'string', minLength: least, maxLength: least + upTo(8) }),
      () => ({
        type: 'string',
        pattern: pick(['^[a-z]{2,5}$', '^\\d{3}-\\d{2}$', '^(yes|no)$', '^[A-Z][^"x]?$']),
      }),
      () => ({ enum: some(words, 1) }),
      () => ({ const: pick(words) }),
    ])()
  }
  const integer = (): Schema => {
    const least = upTo(2000) - 1000
    const bound = pick(['minimum', 'exclusiveMinimum'])
    return {
      type: 'integer',
      ...maybe({ [bound]: least }),
      ...maybe({ maximum: least + 2 + upTo(500) }),
    }
  }
  const number = (): Schema => {
    const least = (upTo(4000) - 2000) / 100
    const most = Number((least + 0.5 + upTo(9)).toFixed(2))
    const bound = pick(['maximum', 'exclusiveMaximum'])
    return {
      type: 'number',
      ...maybe({ minimum: least }),
      ...maybe({ [bound]: most }),
    }
  }
  const scalar = (): Schema =>
    pick<() => Schema>([
      text,
      integer,
      number,
      () => ({ type: 'boolean' }),
      () => ({ type: 'null' }),
      () => ({ type: ['integer', 'null'], minimum: 3 }),
      () => ({ enum: [1, 'one', null, true, [1, 2], { a: 'b' }].slice(upTo(4)) }),
    ])()
  const list = (depth: number): Schema => {
    const minItems = upTo(3)
    const length = { minItems, maxItems: minItems + upTo(3) }
    if (random() < 0.3) {
      const prefixItems = [any(depth - 1), any(depth - 1)]
      return { type: 'array', prefixItems, items: false, minItems }
    }
    return { type: 'array', items: any(depth - 1), ...length }
  }
  const object = (depth: number): Schema => {
    const keys = some(names, 1)
    const properties = Object.fromEntries(keys.map((key) => [key, any(depth - 1)]))
    return {
      type: 'object',
      properties,
      required: keys.filter(() => random() < 0.6),
      ...maybe({ additionalProperties: false }),
    }
  }
  const choice = (depth: number): Schema =>
    pick<() => Schema>([
      () => ({ anyOf: [any(depth - 1), any(depth - 1)] }),
      () => ({ oneOf: [{ type: 'string', maxLength: 5 }, { type: 'boolean' }] }),
      () => ({
        allOf: [
          { type: 'object', properties: { a: integer() } },
          { properties: { b: text() }, required: ['b'] },
        ],
      }),
      () => ({ description: 'a reference', $ref: '#/$defs/shared' }),
    ])()
  const any = (depth: number): Schema =>
    depth <= 0
      ? scalar()
      : pick([scalar, () => list(depth), () => object(depth), () => choice(depth)])()

  return () => {
    const root = pick([() => object(3), () => object(2), () => list(2), () => choice(2), scalar])()
    return { ...root, $defs: { shared: object(1) } }
  }
}
