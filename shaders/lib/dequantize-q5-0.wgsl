// ggml's Q5_0, blocks of 32 columns in 5 words: fifth bits, then nibbles: (q - 16) d, with d among the
// scales.
const GROUP_COLUMNS: u32 = 32u;
const HAS_OFFSETS: bool = false;

fn group_scale(row: u32, column: u32, columns: u32) -> vec2f {
  return vec2f(block_scale(row, column / 32u, columns / 32u), 0.0);
}

fn quants4(row: u32, column: u32, columns: u32) -> vec4f {
  let at = (row * columns + column) / 32u * 5u;
  let within = column % 32u;
  return vec4f(unpack4xU8(nibbles4(at + 1u, within) | fifth_bits4(weight[at], within))) - 16.0;
}
