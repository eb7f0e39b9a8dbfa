// ggml's Q4_K, blocks of 256 columns in 36 words: f16 d and dmin, 3 words of 6-bit group scales and
// minima, 32 of 4-bit q: q d scale - dmin minimum.
const GROUP_COLUMNS: u32 = 32u;
const HAS_OFFSETS: bool = true;
const PAIR_DISTANCE: u32 = 32u;

fn group_scale(row: u32, column: u32, columns: u32) -> vec2f {
  let at = (row * columns + column) / 256u * 36u;
  let d = unpack2x16float(weight[at]);
  return vec2f(d.x, -d.y) * six_bit_pair(at + 1u, column % 256u / 32u);
}

fn quants4(row: u32, column: u32, columns: u32) -> vec4f {
  return low_nibbles(four_bits(row, column, columns) >> (column / 32u % 2u * 4u));
}

// Of 4 columns, and of those PAIR_DISTANCE further.
fn quants_pair(row: u32, column: u32, columns: u32) -> mat2x4f {
  let word = four_bits(row, column, columns);
  return mat2x4f(low_nibbles(word), low_nibbles(word >> 4u));
}

fn four_bits(row: u32, column: u32, columns: u32) -> u32 {
  let within = column % 256u;
  let at = (row * columns + column) / 256u * 36u + 4u;
  return weight[at + within / 64u * 8u + within % 32u / 4u];
}

fn low_nibbles(word: u32) -> vec4f { return vec4f(unpack4xU8(word & 0x0f0f0f0fu)); }
