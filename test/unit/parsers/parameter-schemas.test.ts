import { describe, expect, test } from 'vitest'
import { itemsOf, propertyOf, typesOf } from '../../../src/parsers/parameter-schemas.ts'

const read = (node: unknown, root: unknown = node) => ({ node, root })

describe('the types of a schema', () => {
  test.each([
    [{ type: 'string' }, ['string']],
    [{ type: ['integer', 'null'] }, ['integer', 'null']],
    [{ enum: ['a', 1, null, 1.5, []] }, ['string', 'integer', 'null', 'number', 'array']],
    [{ const: true }, ['boolean']],
    [{ anyOf: [{ type: 'string' }, { oneOf: [{ type: 'object' }] }] }, ['string', 'object']],
    [{ allOf: [{ type: 'array' }] }, ['array']],
    [{ properties: {} }, ['object']],
    [{ items: {} }, ['array']],
    [{}, []],
    [true, []],
    [null, []],
    [{ type: 7, anyOf: 'x' }, []],
  ])('%j', (schema, types) => {
    expect([...typesOf(read(schema))]).toEqual(types)
  })

  test.each([
    ['Str', 'string'],
    ['enum', 'string'],
    ['int64', 'integer'],
    ['unsigned', 'integer'],
    ['float', 'number'],
    ['bool', 'boolean'],
    ['dict', 'object'],
    ['list', 'array'],
    ['any', 'any'],
  ])('%s is %s', (written, type) => {
    expect([...typesOf(read({ type: written }))]).toEqual([type])
  })
})

describe('references', () => {
  const root = {
    $defs: {
      color: { enum: ['red', 'green'] },
      size: { type: 'integer' },
      'a/b~c d': { type: 'boolean' },
      node: { anyOf: [{ $ref: '#/$defs/node' }, { $ref: '#/$defs/tree' }, { type: 'null' }] },
      tree: { type: 'object', properties: { next: { $ref: '#/$defs/node' } } },
      loop: { $ref: '#/$defs/loop' },
    },
    definitions: { old: { type: 'number' } },
    properties: { first: { type: 'array', items: { $ref: '#/$defs/size' } } },
  }

  test.each([
    ['#/$defs/color', ['string']],
    ['#/definitions/old', ['number']],
    ['#/$defs/a~1b~0c%20d', ['boolean']],
    ['#/$defs/%E0%A4%A', []],
    ['#/properties/first', ['array']],
    ['#/$defs/node/anyOf/2', ['null']],
    ['#', ['object']],
    ['#/$defs/node', ['null', 'object']],
    ['#/$defs/loop', []],
    ['#/$defs/none', []],
    ['#/$defs/color/enum/length', []],
    ['#named', []],
    ['other.json#/$defs/size', []],
    ['', []],
  ])('%s', (reference, types) => {
    expect([...typesOf(read({ $ref: reference }, root))].toSorted()).toEqual(types)
  })

  test('among other schemas', () => {
    const parts = [{ $ref: '#/$defs/size' }, { type: 'null' }]
    expect([...typesOf(read({ anyOf: parts }, root))].toSorted()).toEqual(['integer', 'null'])
    const described = { description: 'x', allOf: [{ $ref: '#/$defs/color' }] }
    expect([...typesOf(read(described, root))]).toEqual(['string'])
  })

  test('lead to fields and items, as far as one goes', () => {
    const sizes = read({ $ref: '#/properties/first' }, root)
    expect([...typesOf(itemsOf(sizes))]).toEqual(['integer'])
    let node = propertyOf(read({ $ref: '#/$defs/node' }, root), 'next')
    for (let depth = 0; depth < 100; depth++) node = propertyOf(node, 'next')
    expect([...typesOf(node)].toSorted()).toEqual(['null', 'object'])
  })
})

describe('fields', () => {
  test.each([
    [{ properties: { a: { type: 'integer' } } }, 'a', ['integer']],
    [{ properties: { a: { type: 'integer' } } }, 'b', []],
    [{ properties: { a: {} }, additionalProperties: { type: 'number' } }, 'b', ['number']],
    [{ additionalProperties: false }, 'a', []],
    [{ allOf: [{ properties: { a: { type: 'null' } } }, {}] }, 'a', ['null']],
    [{ properties: {} }, 'toString', []],
    [{ properties: [] }, '0', []],
    [undefined, 'a', []],
  ])('of %j: %s', (schema, key, types) => {
    expect([...typesOf(propertyOf(read(schema), key))]).toEqual(types)
  })
})
