import { describe, expect, it } from 'vitest'
import { convertUnits, unitConverter } from '../../../../demo/tools/convert-units.ts'

const { signal } = new AbortController()

describe('convertUnits', () => {
  it.each([
    [42, 'miles', 'km', 67.592448],
    [81, 'kg', 'pounds', 178.574432],
    [3.7, 'litres', 'gallons', 0.977437],
    [98, 'fahrenheit', 'celsius', 36.666667],
    [100, '°C', '°F', 212],
    [0, 'degrees Celsius', 'kelvin', 273.15],
    [15, 'inches', 'cm', 38.1],
    [6, 'feet', 'm', 1.8288],
    [360, 'minutes', 'hours', 6],
    [100, 'km/h', 'mph', 62.137119],
    [1, 'GB', 'MB', 1000],
    [180, 'degrees', 'radians', Math.PI],
    [1, 'm²', 'square feet', 10.76391],
    [2, 'cups', 'ml', 473.176473],
  ])('%d %s in %s is %d', (value, from, to, expected) => {
    expect(convertUnits(value, from, to)).toBeCloseTo(expected, 4)
  })

  it('comes back to where it started', () => {
    expect(convertUnits(convertUnits(-40, 'c', 'f'), 'f', 'c')).toBeCloseTo(-40, 9)
  })

  it('refuses an unknown unit by name', () => {
    expect(() => convertUnits(64, 'zibblo', 'km')).toThrow('"zibblo" is not known')
  })

  it('refuses units of two dimensions', () => {
    expect(() => convertUnits(1, 'kg', 'km')).toThrow('"kg" measures mass and "km" measures length')
  })
})

describe('convert_units', () => {
  it('rounds for reading', () => {
    expect(unitConverter.run({ value: 42, from: 'miles', to: 'km' }, signal)).toEqual({
      value: 67.59,
      unit: 'km',
    })
  })

  it('accepts a number written as text', () => {
    expect(unitConverter.run({ value: '1', from: 'mm', to: 'm' }, signal)).toEqual({
      value: 0.001,
      unit: 'm',
    })
  })

  it('names a missing argument', () => {
    expect(() => unitConverter.run({ value: 1, from: 'm' }, signal)).toThrow('"to" is missing')
  })
})
