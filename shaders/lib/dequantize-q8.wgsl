// Blocks of 32 along the columns: int8 [rows][columns / 4] in u32, one f16 scale a block, scales in
// pairs, each row's padded to whole u32.
fn dequantize4(row: u32, column: u32, columns: u32) -> vec4f {
  let packed = weight[(row * columns + column) / 4u];
  return vec4f(unpack4xI8(packed)) * block_scale(row, column / 32u, columns);
}

fn block_scale(row: u32, block: u32, columns: u32) -> f32 {
  let pair = unpack2x16float(scales[row * ((columns + 63u) / 64u) + block / 2u]);
  return select(pair.x, pair.y, (block & 1u) == 1u);
}
