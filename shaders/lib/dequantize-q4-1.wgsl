// ggml's Q4_1, blocks of 32 columns in 5 words: f16 d and m, then nibbles: q d + m.
const GROUP_COLUMNS: u32 = 32u;
const HAS_OFFSETS: bool = true;

fn group_scale(row: u32, column: u32, columns: u32) -> vec2f {
  return unpack2x16float(weight[(row * columns + column) / 32u * 5u]);
}

fn quants4(row: u32, column: u32, columns: u32) -> vec4f {
  let at = (row * columns + column) / 32u * 5u;
  return vec4f(unpack4xU8(nibbles4(at + 1u, column % 32u)));
}
