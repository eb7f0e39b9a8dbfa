import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createSchemaMaker, seededRandom } from '../../reference/random-schema.ts'
import { acceptedOf, compileSchema, walk } from './toy-grammars.ts'

const integers = { a: { type: 'integer' }, ab: { type: 'integer' } }
const node = {
  type: 'object',
  properties: {
    v: { type: 'integer' },
    next: { anyOf: [{ $ref: '#/$defs/n' }, { type: 'null' }] },
  },
  required: ['v'],
}

/** A schema with texts that it must let through, and others that it must not. */
const cases: readonly (readonly [schema: unknown, good: string[], bad: string[]])[] = [
  [
    true,
    ['1', '"a"', '[[]]', '{"a":{}}', '-1.5e3', 'null', '[\n  1,\n  2\n]'],
    ['', 'nul', '01', '1.', '"\n"', '[1,]', '{"a"}', '"\\ud800"'],
  ],
  [{ type: 'string', maxLength: 3 }, ['"ééé"', '"é\\né"', '"😀😀😀"', '""'], ['"😀😀😀😀"']],
  [{ type: 'string', minLength: 2 }, ['"éé"', '"\\u00e9b"', '"abc"'], ['"é"', '""']],
  [
    { type: 'string', pattern: '^a.c$' },
    ['"abc"', '"aéc"', '"a\\"c"', '"a\\\\c"'],
    ['"a\\nc"', '"ac"', '"abcd"'],
  ],
  [{ type: 'string', pattern: 'b+' }, ['"abc"', '"bbb"', '"é\\nb"'], ['"ac"']],
  [{ type: 'string', pattern: '^x|y$' }, ['"xa"', '"ay"'], ['"ax"', '"ya"']],
  [{ type: 'string', pattern: '^[à-ü]{2}\\d$' }, ['"éé1"', '"üü0"'], ['"ee1"', '"éé٣"']],
  [
    { type: 'string', format: 'date' },
    ['"2024-02-29"', '"2023-12-31"', '"2000-02-29"'],
    ['"2023-02-29"', '"1900-02-29"', '"2023-04-31"', '"2023-1-1"'],
  ],
  [
    { type: 'string', format: 'date-time' },
    ['"2024-02-29T23:59:59.5+01:00"'],
    ['"2024-02-29T24:00:00Z"'],
  ],
  [
    { type: 'string', format: 'ipv6' },
    ['"::"', '"::1"', '"fe80::1"', '"1:2:3:4:5:6:7:8"', '"1::"'],
    ['":::"', '"1:2:3:4:5:6:7:8:9"', '"1:2:3:4:5:6:7"'],
  ],
  [{ type: 'string', format: 'uri' }, ['"https://a.org/x?y=1#z"'], ['"x"', '"http://"']],
  [
    { type: 'string', format: 'uri', minLength: 1, maxLength: 2083 },
    ['"https://a.org/x/%20/?y=1#z"'],
    ['""'],
  ],
  [{ type: 'string', format: 'uri-reference' }, ['"/a/b?c"', '"https://a.org"'], ['"a b"']],
  [{ type: 'string', format: 'json-pointer' }, ['""', '"/a/~1é/0"'], ['"a"', '"/~2"']],
  [
    { type: 'string', format: 'email', maxLength: 254 },
    ['"ada.l+x@mail.example.org"'],
    ['"ada"', '"a@b"', '".a@b.org"', '"a@b..org"'],
  ],
  [
    { type: 'string', format: 'date', pattern: '^2024-\\d\\d-\\d\\d$' },
    ['"2024-02-29"'],
    ['"2023-02-01"', '"2024"'],
  ],
  [z.toJSONSchema(z.email()), ['"ada.l@mail.org"'], ['"a..b@x.org"', '"a@b"']],
  [{ type: 'string', format: 'starts_with', pattern: '^a.*' }, ['"a"', '"ab"'], ['"ba"']],
  [
    { type: 'string', format: 'date', pattern: '^(?!1)\\d{4}-' },
    ['"2024-02-29"'],
    ['"2023-02-30"', '"2024-"'],
  ],
  [
    { type: 'string', pattern: '^[a-z]+\\d$', minLength: 3, maxLength: 4 },
    ['"ab1"', '"abc1"'],
    ['"a1"', '"abcd1"', '"abc"'],
  ],
  [
    { type: 'string', pattern: '^(ab)*$|^c{2}', minLength: 3, maxLength: 5 },
    ['"abab"', '"ccé"', '"ccxyz"'],
    ['"ab"', '"ababab"', '"cc"', '"ccwxyz"'],
  ],
  [
    { type: 'string', pattern: '^[a-z]+(-[a-z]+)*$', minLength: 1 },
    ['"a"', '"ab-c"'],
    ['""', '"ab-"'],
  ],
  [
    { type: 'integer', minimum: -9007199254740991, maximum: 9007199254740991 },
    ['0', '-9007199254740991', '9007199254740991', '4111111111111111'],
    ['9007199254740992', '-9007199254740992', '1.5'],
  ],
  [
    { type: 'integer', exclusiveMinimum: 0, exclusiveMaximum: 9007199254740991 },
    ['1', '9007199254740990'],
    ['0', '9007199254740991'],
  ],
  [
    { type: 'number', minimum: -3.4028234663852886e38, maximum: 3.4028234663852886e38 },
    ['0.0001', '-3.14159', '12345678901234567890'],
    ['1e39', '1'.repeat(40)],
  ],
  [{ type: 'integer', maximum: 2 ** 64 }, ['18446744073709547520'], ['18446744073709551616']],
  [
    { type: 'number', multipleOf: 0.01, minimum: 0 },
    ['0', '9.9', '9.99', '100'],
    ['9.999', '-1', '1e2'],
  ],
  [{ type: 'number', multipleOf: 1 }, ['5', '-5'], ['0.5']],
  [
    {
      type: 'object',
      propertyNames: { type: 'string', enum: ['a', 'b'] },
      additionalProperties: { type: 'integer' },
      required: ['a'],
    },
    ['{"a":1}', '{"a":1,"b":2}'],
    ['{"b":2}', '{"a":1,"a":2}', '{"a":""}', '{"a":1,"c":2}'],
  ],
  [
    { type: 'array', items: { type: 'integer' }, minItems: 1, maxItems: 3 },
    ['[1]', '[1,2]', '[1, 2, 3]'],
    ['[]', '[1,2,3,4]', '[1,]'],
  ],
  [
    {
      prefixItems: [{ type: 'integer' }, { type: 'string' }],
      items: { type: 'null' },
      minItems: 1,
    },
    ['[1]', '[1,"a"]', '[1,"a",null,null]'],
    ['[]', '["a"]', '[1,null]'],
  ],
  [{ type: 'array', items: [{ type: 'integer' }] }, ['[1]', '[]'], ['[1,2]', '["a"]']],
  [
    { type: 'object', properties: integers, additionalProperties: { type: 'boolean' } },
    ['{}', '{"a":1}', '{"a":1, "b": true}', '{"abc":true}', '{"":true,"é":false}', '{ }'],
    ['{"a":true}', '{"ab":true}', '{"a":1,"a":true}', '{"\\u0061":true}'],
  ],
  [
    { type: 'object', properties: integers, required: ['ab'] },
    ['{"ab":1}', '{"a":1,"ab":2}'],
    ['{}', '{"a":1}', '{"ab":1,"x":2}'],
  ],
  [
    { type: 'object', properties: { a: {} }, required: ['z'] },
    ['{"z":1}', '{"a":1,"z":{"b":2}}'],
    ['{}'],
  ],
  [{ type: 'object' }, ['{}', '{"a":[1,2,{"b":"c"}]}'], ['[]', '1']],
  [
    { type: 'object', minProperties: 1, maxProperties: 2 },
    ['{"a":1,"b":2}'],
    ['{}', '{"a":1,"b":2,"c":3}'],
  ],
  [{ propertyNames: { pattern: '^[a-z]+$' } }, ['{}', '{"ab":1,"c":[{"X":null}]}'], ['{"A":1}']],
  [
    { patternProperties: { '^x': { type: 'integer' } } },
    ['{}', '{"x1":1}'],
    ['{"y":1}', '{"x":"a"}'],
  ],
  [
    { $defs: { n: node }, $ref: '#/$defs/n' },
    ['{"v":1}', '{"v":1,"next":{"v":2,"next":null}}'],
    ['{"next":null}', '{"v":1,"next":{}}'],
  ],
  [
    { enum: [1, 'a', null, { a: 1 }, 'é"'] },
    ['1', '"a"', 'null', '{"a":1}', '"é\\""'],
    ['2', '"b"', '11', '{"a":2}'],
  ],
  [{ type: ['string', 'null'], enum: ['a', null, 3] }, ['"a"', 'null'], ['3']],
  [{ const: { a: [1, 'x'] } }, ['{"a":[1,"x"]}'], ['{}']],
  [
    {
      allOf: [
        { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] },
        { properties: { a: { minimum: 3 }, b: { type: 'string' } }, required: ['b'] },
      ],
    },
    ['{"a":3,"b":""}'],
    ['{"a":1,"b":""}', '{"b":""}', '{"a":3}'],
  ],
  [
    { anyOf: [{ maxLength: 2 }, { enum: ['long'] }], type: 'string' },
    ['"ab"', '"long"'],
    ['"abc"', '1'],
  ],
  [{ oneOf: [{ type: 'string' }, { type: 'integer' }] }, ['"a"', '1'], ['null']],
  [
    { type: 'string', pattern: '^[a-z0-9]+(?:-[a-z0-9]+)*$', maxLength: 40 },
    ['"a"', '"hello-wide-world"', '"a-b-c-d-e-f-g-h"', '"release-notes-2024-summary"'],
    ['"a--b"', '"-a"', `"${'a'.repeat(41)}"`, `"a${'-b'.repeat(20)}"`],
  ],
  [
    z.toJSONSchema(z.email().max(50)),
    ['"ada.lovelace@example.org"', '"christopher@example.com"', '"a@example.co.uk"'],
    ['"a@b"', `"a@${'b'.repeat(50)}.org"`],
  ],
  [
    { type: 'string', pattern: '^\\w+ \\w+$', minLength: 10, maxLength: 20 },
    ['"hello world"', '"a bcdefghij"', '"abcdefghij k"'],
    ['"a b"', '"abcd efgh"', '"abcdefghijk abcdefghijk"'],
  ],
  [
    { type: 'string', pattern: '^(a|bc){2,}$', minLength: 5, maxLength: 6 },
    ['"aaaaa"', '"bcbcbc"'],
    ['"aaaa"', '"abc"', '"bcbcbca"'],
  ],
  [
    { type: 'string', pattern: '^http.*', maxLength: 20 },
    ['"http"', '"https://a.org/\\n"', `"${'http'.repeat(5)}"`],
    ['"htt"', `"${'http'.repeat(5)}s"`],
  ],
  [
    { type: 'string', pattern: '^[^/]{2}$' },
    ['"\\u0001\\n"', '"\\u001f\\u000b"', '"\\"\\\\"'],
    ['"\\u0061a"', '"//"', '"\\u0020a"'],
  ],
  [
    { type: 'integer', multipleOf: 60, minimum: 0, maximum: 86_400_000 },
    ['0', '60', '3600', '86400000'],
    ['-60', '30', '86400060', '060', ''],
  ],
  [
    { type: 'integer', multipleOf: 7, minimum: 1, maximum: 999 },
    ['7', '14', '994'],
    ['0', '1', '1001', '07'],
  ],
  [{ type: 'integer', minimum: -1.5, maximum: 3.5 }, ['-1', '3'], ['-2', '4']],
  [{ type: 'integer', minimum: 1.5, exclusiveMaximum: 4 }, ['2', '3'], ['1', '4']],
  [{ type: 'integer', multipleOf: 997 }, ['0', '997', '-1994'], ['1', '996', '00', '-0']],
  [
    { type: 'integer', multipleOf: 997, minimum: 123_456_789 },
    ['123457513', '123458510'],
    ['123456516', '123457514', '0'],
  ],
  [
    { type: 'number', multipleOf: 0.25, exclusiveMinimum: -1, maximum: 12.3 },
    ['0', '0.5', '-0.75', '12.25', '12.0'],
    ['-1', '0.3', '12.5', '12.75', '.5', '1.'],
  ],
  [{ type: 'number', multipleOf: 2.5 }, ['2.5', '5', '-7.5', '10.0'], ['2', '2.0', '1.5']],
  [{ type: 'integer', multipleOf: 2.5 }, ['5', '-10'], ['2.5', '4']],
  [
    { type: 'number', minimum: 0, exclusiveMinimum: true, maximum: 1, exclusiveMaximum: false },
    ['1', '0.5'],
    ['0', '1.5'],
  ],
  [
    z.toJSONSchema(z.object({ a: z.int(), b: z.never().optional() })),
    ['{"a":1}'],
    ['{"a":1,"b":1}', '{}'],
  ],
  [z.toJSONSchema(z.array(z.never())), ['[]'], ['[1]', '[null]']],
  [
    {
      type: 'array',
      items: { $ref: '#/$defs/c' },
      uniqueItems: true,
      $defs: { c: { enum: [1, 'b', null] } },
    },
    ['[]', '[1]', '[1,"b",null]', '["b", null]'],
    ['[1,1]', '["b",1]', '[1,]', '[2]', '[,1]'],
  ],
  [
    {
      type: 'array',
      items: { enum: ['a', 'b', 'c'] },
      uniqueItems: true,
      minItems: 2,
      maxItems: 2,
    },
    ['["a","b"]', '["a","c"]', '["b","c"]'],
    ['[]', '["a"]', '["a","b","c"]', '["c"]'],
  ],
  [{ items: { type: 'integer' }, uniqueItems: true, maxItems: 1 }, ['[]', '[7]'], ['[7,7]']],
  [
    { properties: integers, dependentRequired: { a: ['ab'] } },
    ['{}', '{"ab":1}', '{"a":1,"ab":1}'],
    ['{"a":1}'],
  ],
  [
    {
      oneOf: [
        { type: 'object', properties: { a: {} }, required: ['a'] },
        { type: 'object', properties: { b: {} }, required: ['b'] },
      ],
    },
    ['{"a":1}', '{"b":1}'],
    ['{"a":1,"b":1}', '{}'],
  ],
  [
    {
      properties: { id: { type: 'integer' } },
      patternProperties: { '^x-': { type: 'string' } },
      additionalProperties: false,
    },
    ['{}', '{"id":1}', '{"id":1,"x-a":"b"}', '{"x-a":"b","x-":""}'],
    ['{"x-a":1}', '{"y":"b"}', '{"id":"a"}'],
  ],
  [
    {
      patternProperties: { '^[a-z]+$': { type: 'integer' } },
      propertyNames: { maxLength: 3 },
    },
    ['{}', '{"abc":1}'],
    ['{"abcd":1}', '{"A":1}', '{"a":"b"}'],
  ],
]

const textOf = (members: readonly string[]): string =>
  JSON.stringify(Object.fromEntries(members.map((key) => [key, 1])))

describe('the grammar of a schema', () => {
  it.each(cases)('%j', async (schema, good, bad) => {
    const constraint = await compileSchema(schema)
    expect(await acceptedOf(constraint, [...good, ...bad])).toEqual(good)
  })

  it('holds numbers to their bounds exactly', { timeout: 60_000 }, async () => {
    const random = seededRandom(3)
    for (let round = 0; round < 40; round += 1) {
      const size = [5, 50, 500, 5000][round % 4] ?? 5
      const [type, unit] = round % 2 === 0 ? ['integer', 1] : ['number', 100]
      const low = Math.floor((random() - 0.5) * 2 * size)
      const high = low + 2 + Math.floor(random() * size)
      const lower = random() < 0.5 ? 'minimum' : 'exclusiveMinimum'
      const upper = random() < 0.5 ? 'maximum' : 'exclusiveMaximum'
      const schema = {
        type,
        ...(random() < 0.8 ? { [lower]: low / unit } : {}),
        ...(random() < 0.8 ? { [upper]: high / unit } : {}),
      }
      const constraint = await compileSchema(schema)
      const near = [-11, -1, 0, 1, 11].flatMap((step) => [low + step, high + step])
      const anywhere = Array.from({ length: 40 }, () => Math.floor((random() - 0.5) * 3 * size))
      const texts = [...near, ...anywhere].map((value) => String((value || 0) / unit))
      const validate = new Ajv2020({ strict: false }).compile(schema)
      const accepted = await acceptedOf(constraint, texts)
      const wrong = texts.filter((text) => accepted.includes(text) !== validate(Number(text)))
      expect({ schema, wrong }).toEqual({ schema, wrong: [] })
      expect(await acceptedOf(constraint, ['1'.repeat(40)])).toEqual([])
    }
  })

  it('takes members in their order, all that are required and others last', async () => {
    const keys = ['a', 'b', 'c']
    const subsets = Array.from({ length: 8 }, (_, bits) => keys.filter((_, at) => (bits >> at) & 1))
    const endings = [[], ['x'], ['x', 'y']]
    const disordered = [
      ['b', 'a', 'c'],
      ['a', 'c', 'b'],
      ['x', 'a', 'b', 'c'],
    ]
    const listed = subsets.flatMap((members) => endings.map((others) => [...members, ...others]))
    const properties = Object.fromEntries(keys.map((key) => [key, { type: 'integer' }]))
    for (const required of subsets) {
      for (const isOpen of [false, true]) {
        const additionalProperties = isOpen && { type: 'integer' }
        const constraint = await compileSchema({ properties, required, additionalProperties })
        const isGood = (members: readonly string[]) =>
          required.every((key) => members.includes(key)) && (isOpen || !members.includes('x'))
        const accepted = await acceptedOf(constraint, [...listed, ...disordered].map(textOf))
        expect({ required, accepted }).toEqual({
          required,
          accepted: listed.filter(isGood).map(textOf),
        })
      }
    }
  })

  it(
    'holds patterns to lengths, however many of their parts vary',
    { timeout: 60_000 },
    async () => {
      const random = seededRandom(9)
      const pick = (parts: readonly string[]) => parts[Math.floor(random() * parts.length)] ?? ''
      const part = (depth: number): string => {
        const inner = depth > 0 && random() < 0.5 ? `(${part(depth - 1)}${part(depth - 1)})` : null
        const body = inner ?? pick(['a', '[bc]', '(d|ef)', '.'])
        return body + pick(['', '', '?', '*', '+', '{2}', '{1,3}'])
      }
      for (let round = 0; round < 60; round += 1) {
        const parts = Array.from({ length: 3 }, () => part(2)).join('')
        const pattern = `${pick(['^', ''])}${parts}${pick(['$', ''])}`
        const minLength = Math.floor(random() * 12)
        const schema = { type: 'string', pattern, minLength, maxLength: minLength + 14 }
        const compiled = await compileSchema(schema).catch((error: unknown) => String(error))
        if (typeof compiled === 'string') {
          expect({ schema, compiled }).toEqual({
            schema,
            compiled: expect.stringContaining('No value'),
          })
          continue
        }
        const ajv = new Ajv2020({ strict: false })
        for (let draw = 0; draw < 3; draw += 1) {
          const text = await walk(compiled, random)
          // Of characters beyond the toy vocabulary, it reads each byte as one.
          if (text?.includes('\ufffd')) continue
          const isValid = text !== null && ajv.validate(schema, JSON.parse(text))
          expect({ schema, text, isValid }).toEqual({ schema, text, isValid: true })
        }
      }
    },
  )

  it('counts multiples digit by digit', { timeout: 60_000 }, async () => {
    const random = seededRandom(4)
    const upTo = (count: number) => Math.floor(random() * count)
    for (let round = 0; round < 40; round += 1) {
      const multipleOf = 2 + upTo([10, 100, 1000][round % 3] ?? 10)
      const minimum = upTo(20_000) - 10_000
      const maximum = minimum + upTo(5000)
      const isGood = (value: number) =>
        value % multipleOf === 0 && value >= minimum && value <= maximum
      const first = Math.ceil(minimum / multipleOf) * multipleOf || 0
      const last = Math.floor(maximum / multipleOf) * multipleOf || 0
      const ends = [minimum, first - multipleOf, first, first + multipleOf, last, maximum]
      const near = ends.flatMap((end) => [end - 1, end, end + 1, end + multipleOf])
      const values = [...new Set(near.map((value) => value || 0))]
      const schema = { type: 'integer', multipleOf, minimum, maximum }
      const compiled = first > maximum ? null : await compileSchema(schema)
      const accepted = compiled ? await acceptedOf(compiled, values.map(String)) : []
      expect({ schema, accepted }).toEqual({
        schema,
        accepted: values.filter(isGood).map(String),
      })
    }
  })

  it('lets nothing else through, whatever is drawn', { timeout: 120_000 }, async () => {
    const nextSchema = createSchemaMaker(11)
    const random = seededRandom(7)
    const ajv = new Ajv2020({ strict: false })
    for (let round = 0; round < 60; round += 1) {
      const schema = nextSchema()
      const text = await walk(await compileSchema(schema), random)
      const isValid = text !== null && ajv.validate(schema, JSON.parse(text))
      expect({ schema, text, isValid }).toEqual({ schema, text, isValid: true })
    }
  })
})

/** Kinds of values whose JSON schemas hold ranges, formats and patterns that nobody has written. */
const zodKinds = {
  int: z.int(),
  positive: z.int().positive(),
  float32: z.float32(),
  hundredths: z.number().min(0).max(50).multipleOf(0.01),
  shortEmail: z.email().max(254),
  url: z.url(),
  uuid: z.uuid(),
  date: z.iso.date(),
  datetime: z.iso.datetime(),
  duration: z.iso.duration(),
  ipv4: z.ipv4(),
  ipv6: z.ipv6(),
  hostname: z.hostname(),
  base64: z.base64(),
  startsWith: z.string().startsWith('a'),
  code: z
    .string()
    .regex(/^[A-Z]+$/)
    .min(2)
    .max(6),
  record: z.record(z.enum(['a', 'b']), z.int()),
  fives: z.int().multipleOf(5),
  quarters: z.number().multipleOf(0.25).min(-2),
  slug: z
    .string()
    .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/)
    .min(3)
    .max(40),
  email: z.email().min(9).max(30),
  shortUrl: z.url().max(60),
  without: z.object({ a: z.int(), b: z.never().optional() }),
  tagged: z.discriminatedUnion('type', [
    z.object({ type: z.literal('a'), x: z.number() }),
    z.object({ type: z.literal('b'), y: z.string().max(5).nullable() }),
  ]),
}

describe('what zod makes of its types', () => {
  it.each(Object.entries(zodKinds))('%s', async (_, kind) => {
    const random = seededRandom(5)
    const constraint = await compileSchema(z.toJSONSchema(kind))
    for (let round = 0; round < 5; round += 1) {
      const text = await walk(constraint, random)
      expect(kind.safeParse(JSON.parse(text ?? 'undefined')), text ?? '').toMatchObject({
        success: true,
      })
    }
  })
})

const refused: readonly (readonly [schema: unknown, message: string])[] = [
  [false, 'No value can match the JSON schema. (at $)'],
  [{ type: 'foo' }, 'There is no type "foo". (at $)'],
  [{ properties: { a: { not: { const: 1 } } } }, 'uses "not", which Quire can not keep'],
  [{ properties: { a: { not: { const: 1 } } } }, '(at $.properties.a)'],
  [{ properties: { a: { not: {} } }, required: ['a'] }, 'No value can match'],
  [{ items: { if: {}, else: {} } }, '(at $.items)'],
  [{ uniqueItems: true }, '"uniqueItems" can be kept only where the items are listed'],
  [
    {
      uniqueItems: true,
      maxItems: 500,
      items: { enum: Array.from({ length: 1000 }, (_, n) => n) },
    },
    'can not be kept for a list of 1000 values',
  ],
  [
    { type: 'string', pattern: `^${'('.repeat(30)}a${'b?)+'.repeat(30)}$`, maxLength: 2000 },
    'nests too many repetitions to be held to a length',
  ],
  [{ contains: {} }, '"contains"'],
  [{ unevaluatedProperties: false }, '"unevaluatedProperties"'],
  [{ type: 'integer', multipleOf: 0 }, '"multipleOf" must be above zero'],
  [{ type: 'integer', multipleOf: 12345 }, 'up to 4096 without its point, got 12345.'],
  [{ type: 'integer', multipleOf: 7, minimum: 8, maximum: 13 }, 'No value can match'],
  [
    { properties: { xa: {} }, patternProperties: { '^x': {} } },
    'without other properties that may match it',
  ],
  [{ properties: { a: {} }, propertyNames: { maxLength: 0 } }, '"propertyNames" can be kept only'],
  [
    { properties: { a: {} }, patternProperties: { '^x': {} }, propertyNames: { minLength: 2 } },
    '"propertyNames" can be kept only',
  ],
  [{ type: 'string', format: 'foo' }, 'The format "foo" is not supported. Quire knows date,'],
  [
    { type: 'string', pattern: '(?=a)' },
    'lookaround or a flag, which Quire can not keep, at character 1',
  ],
  [{ type: 'string', pattern: '^[^é]$' }, 'class of too many characters beyond ASCII'],
  [{ type: 'string', pattern: '^a+b+$', maxLength: 1 }, 'No value can match'],
  [{ type: 'string', pattern: '^a{4}$', maxLength: 3 }, 'No value can match'],
  [{ minLength: -1 }, '"minLength" must be an integer that is not negative.'],
  [{ required: 'a' }, '"required" must be a list. (at $)'],
  [{ properties: [] }, '"properties" must be an object. (at $)'],
  [
    { properties: { 'a b': 3 } },
    'A schema must be an object or a boolean. (at $.properties["a b"])',
  ],
  [{ $ref: 'https://example.org/x.json' }, '"$ref" must point into the schema itself'],
  [{ $ref: '#/$defs/x' }, '"$ref" points to nothing: #/$defs/x. (at $)'],
  [{ $ref: '#' }, '"$ref" goes round in a circle: "#". (at $)'],
  [{ anyOf: [{ $ref: '#' }, { type: 'null' }] }, 'goes round in a circle: "#". (at $.anyOf[0])'],
  [
    { $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } }, $ref: '#/$defs/a' },
    'goes round in a circle',
  ],
  [{ allOf: [{ $ref: '#' }, { type: 'string' }] }, 'joins itself'],
  [{ oneOf: [{ type: 'number' }, { type: 'integer' }] }, 'may match both 0 and 1 of "oneOf"'],
  [{ allOf: [{ pattern: 'a' }, { pattern: 'b' }] }, 'each have another "pattern"'],
  [{ enum: [] }, 'No value can match'],
  [{ type: 'string', enum: ['a'], minLength: 3 }, '"minLength" beside listed values'],
  [{ minimum: 1e300 }, '"minimum" must be a number of up to 15 digits'],
  [{ maximum: -1e16 }, '"maximum" must be a number of up to 15 digits'],
  [{ minimum: 1e-20 }, '"minimum" must be a number of up to 15 digits'],
  [{ properties: { a: {} }, minProperties: 3 }, 'The number of properties can not be counted'],
]

describe('a schema that can not be kept', () => {
  it.each(refused)('%j: %s', async (schema, message) => {
    await expect(compileSchema(schema)).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringContaining(message),
    })
  })

  it('is refused when it is nested too deeply', async () => {
    let schema: unknown = { type: 'null' }
    for (let depth = 0; depth < 100; depth += 1) schema = { type: 'array', items: schema }
    await expect(compileSchema(schema)).rejects.toThrow('nested too deeply')
  })

  it('is refused when it is too large', async () => {
    const properties = Object.fromEntries(Array.from({ length: 6000 }, (_, at) => [`p${at}`, {}]))
    await expect(compileSchema({ type: 'object', properties })).rejects.toThrow('too large')
  })
})
