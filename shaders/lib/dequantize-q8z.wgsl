// Blocks of 32 columns of unsigned bytes: (q - zero) scale, both from the block's word among the scales.
const GROUP_COLUMNS: u32 = 32u;
const HAS_OFFSETS: bool = true;

fn quants4(row: u32, column: u32, columns: u32) -> vec4f {
  return vec4f(unpack4xU8(weight[(row * columns + column) / 4u]));
}
