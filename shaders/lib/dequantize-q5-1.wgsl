// ggml's Q5_1, blocks of 32 columns in 6 words: f16 d and m, fifth bits, then nibbles: q d + m.
const GROUP_COLUMNS: u32 = 32u;
const HAS_OFFSETS: bool = true;

fn group_scale(row: u32, column: u32, columns: u32) -> vec2f {
  return unpack2x16float(weight[(row * columns + column) / 32u * 6u]);
}

fn quants4(row: u32, column: u32, columns: u32) -> vec4f {
  let at = (row * columns + column) / 32u * 6u;
  let within = column % 32u;
  return vec4f(unpack4xU8(nibbles4(at + 2u, within) | fifth_bits4(weight[at + 1u], within)));
}
