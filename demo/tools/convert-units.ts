import { normalizeName, numberArgument, textArgument, type Tool } from './tool.ts'

/** `factor` and `offset` lead to the dimension's base unit: base = value * factor + offset. */
type Unit = { readonly dimension: string; readonly factor: number; readonly offset: number }

/** One line a dimension: `names=factor`, the names separated by commas. */
const dimensions: Readonly<Record<string, string>> = {
  length:
    'm,metre,meter=1; km,kilometre,kilometer=1000; cm,centimetre,centimeter=0.01; mm,millimetre,millimeter=0.001; um,micrometre,micrometer=1e-6; mi,mile=1609.344; yd,yard=0.9144; ft,foot,feet,\'=0.3048; in,inch,inches,"=0.0254; nmi,nautical mile=1852',
  mass: 'kg,kilogram,kilo=1; g,gram,gramme=0.001; mg,milligram=1e-6; t,tonne,metric ton=1000; lb,lbs,pound=0.45359237; oz,ounce=0.028349523125; st,stone=6.35029318; ton,short ton=907.18474',
  volume:
    'l,litre,liter=1; ml,millilitre,milliliter=0.001; cl,centilitre,centiliter=0.01; m3,cubic metre,cubic meter=1000; gal,gallon=3.785411784; qt,quart=0.946352946; pt,pint=0.473176473; cup=0.2365882365; fl oz,fluid ounce=0.0295735295625; tbsp,tablespoon=0.01478676478125; tsp,teaspoon=0.00492892159375',
  time: 's,sec,second=1; ms,millisecond=0.001; min,minute=60; h,hr,hour=3600; d,day=86400; week=604800; month=2629746; year=31556952',
  speed:
    'm/s,mps,metre per second,meter per second=1; km/h,kmh,kph,kilometre per hour,kilometer per hour=0.2777777777777778; mph,mile per hour,miles per hour=0.44704; kn,knot=0.5144444444444445; ft/s=0.3048',
  area: 'm2,square metre,square meter=1; km2,square kilometre,square kilometer=1e6; cm2=0.0001; ha,hectare=10000; acre=4046.8564224; ft2,square foot,square feet=0.09290304; mi2,square mile=2589988.110336',
  data: 'bit=0.125; b,byte=1; kb,kilobyte=1e3; mb,megabyte=1e6; gb,gigabyte=1e9; tb,terabyte=1e12; kib,kibibyte=1024; mib,mebibyte=1048576; gib,gibibyte=1073741824; tib,tebibyte=1099511627776',
  energy:
    'j,joule=1; kj,kilojoule=1000; cal,calorie=4.184; kcal,kilocalorie=4184; wh,watt hour=3600; kwh,kilowatt hour=3.6e6',
  pressure:
    'pa,pascal=1; hpa,hectopascal=100; kpa,kilopascal=1000; bar=1e5; atm=101325; psi=6894.757293168',
  angle: `rad,radian=1; deg,degree,degrees=${Math.PI / 180}`,
}

const units = new Map<string, Unit>([
  ...Object.entries(dimensions).flatMap(([dimension, line]) =>
    line.split('; ').flatMap((entry) => {
      const at = entry.lastIndexOf('=')
      const factor = Number(entry.slice(at + 1))
      const names = entry.slice(0, at).split(',')
      return names.map((name): [string, Unit] => [name, { dimension, factor, offset: 0 }])
    }),
  ),
  ...['c', 'celsius', 'centigrade'].map((name): [string, Unit] => [
    name,
    { dimension: 'temperature', factor: 1, offset: 273.15 },
  ]),
  ...['f', 'fahrenheit'].map((name): [string, Unit] => [
    name,
    { dimension: 'temperature', factor: 5 / 9, offset: 273.15 - (32 * 5) / 9 },
  ]),
  ...['k', 'kelvin'].map((name): [string, Unit] => [
    name,
    { dimension: 'temperature', factor: 1, offset: 0 },
  ]),
])

const findUnit = (said: string): Unit => {
  const name = normalizeName(said)
    .replace(/^(?:degrees? |° ?)(?=.)/, '')
    .replaceAll('²', '2')
    .replaceAll('³', '3')
    .replace(/\.$/, '')
  const unit =
    units.get(name) ?? units.get(name.replace(/s$/, '')) ?? units.get(name.replace(/es$/, ''))
  if (unit) return unit
  throw new Error(
    `The unit "${said}" is not known. Known are units of ${Object.keys(dimensions).join(', ')} and temperature.`,
  )
}

/**
 * Converts between units of one dimension, named in any usual way.
 *
 * @throws Error for an unknown unit and for units of different dimensions.
 */
export const convertUnits = (value: number, from: string, to: string): number => {
  const source = findUnit(from)
  const target = findUnit(to)
  if (source.dimension !== target.dimension) {
    throw new Error(
      `"${from}" measures ${source.dimension} and "${to}" measures ${target.dimension}, so one cannot become the other.`,
    )
  }
  return (value * source.factor + source.offset - target.offset) / target.factor
}

/** Two decimals, more for small values, so that 42 miles is 67.59 km and 1 mm is 0.001 m. */
const roundConverted = (value: number): number =>
  Math.abs(value) >= 1 ? Math.round(value * 100) / 100 : Number(value.toPrecision(4))

export const unitConverter: Tool = {
  name: 'convert_units',
  description: 'Converts a value from one unit to another.',
  parameters: {
    type: 'object',
    properties: {
      value: { type: 'number' },
      from: { type: 'string' },
      to: { type: 'string' },
    },
    required: ['value', 'from', 'to'],
  },
  run: (args) => {
    const to = textArgument(args, 'to')
    const value = convertUnits(numberArgument(args, 'value'), textArgument(args, 'from'), to)
    return { value: roundConverted(value), unit: to }
  },
}
