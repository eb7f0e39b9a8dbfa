// ggml's Q5_K, blocks of 256 columns in 44 words: as Q4_K, with 8 words of fifth bits before the 32.
const GROUP_COLUMNS: u32 = 32u;
const HAS_OFFSETS: bool = true;
const PAIR_DISTANCE: u32 = 32u;

fn group_scale(row: u32, column: u32, columns: u32) -> vec2f {
  let at = (row * columns + column) / 256u * 44u;
  let d = unpack2x16float(weight[at]);
  return vec2f(d.x, -d.y) * six_bit_pair(at + 1u, column % 256u / 32u);
}

fn quants4(row: u32, column: u32, columns: u32) -> vec4f {
  let shifts = column / 32u % 2u * vec2u(4u, 1u);
  return five_bits(four_and_fifth_bits(row, column, columns) >> shifts);
}

// Of 4 columns, and of those PAIR_DISTANCE further.
fn quants_pair(row: u32, column: u32, columns: u32) -> mat2x4f {
  let words = four_and_fifth_bits(row, column, columns);
  return mat2x4f(five_bits(words), five_bits(words >> vec2u(4u, 1u)));
}

// The second word's fifth bits begin with those of the pair of groups.
fn four_and_fifth_bits(row: u32, column: u32, columns: u32) -> vec2u {
  let at = (row * columns + column) / 256u * 44u;
  let pair = column % 256u / 64u;
  let word = column % 32u / 4u;
  return vec2u(weight[at + 12u + pair * 8u + word], weight[at + 4u + word] >> (pair * 2u));
}

fn five_bits(words: vec2u) -> vec4f {
  return vec4f(unpack4xU8((words.x & 0x0f0f0f0fu) | ((words.y & 0x01010101u) << 4u)));
}
