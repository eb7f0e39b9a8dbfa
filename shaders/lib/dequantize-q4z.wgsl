// Blocks of 32 columns in 4 words of nibbles, as in q4: (q - zero) scale, both from the block's word
// among the scales.
const GROUP_COLUMNS: u32 = 32u;
const HAS_OFFSETS: bool = true;

fn quants4(row: u32, column: u32, columns: u32) -> vec4f {
  let at = (row * columns + column) / 32u * 4u;
  return vec4f(unpack4xU8(nibbles4(at, column % 32u)));
}
