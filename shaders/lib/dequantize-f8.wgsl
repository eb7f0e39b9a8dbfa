// Bytes of E4M3FN (a sign, 4 bits of exponent, 3 of mantissa; NaN does not occur), 4 columns a word, and
// an f32 scale for each 128 columns of a row.
const GROUP_COLUMNS: u32 = 32u;
const HAS_OFFSETS: bool = false;

fn group_scale(row: u32, column: u32, columns: u32) -> vec2f {
  return vec2f(bitcast<f32>(scales[row * ((columns + 127u) / 128u) + column / 128u]), 0.0);
}

fn quants4(row: u32, column: u32, columns: u32) -> vec4f {
  let bytes = unpack4xU8(weight[(row * columns + column) / 4u]);
  let magnitude = bytes & vec4u(0x7fu);
  // An f32's exponent is 120 more. Subnormals have no leading one, and as bits of an f16 or f32
  // they might be flushed to zero: they are counted in steps of 2^-9.
  let normal = bitcast<vec4f>((magnitude << vec4u(20u)) + vec4u(120u << 23u));
  let values = select(normal, vec4f(magnitude) * 0.001953125, magnitude < vec4u(8u));
  return select(values, -values, bytes > vec4u(0x7fu));
}
