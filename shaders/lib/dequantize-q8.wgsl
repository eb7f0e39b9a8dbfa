// Blocks of 32 along the columns: int8 [rows][columns / 4] in u32, one f16 scale a block.
fn dequantize4(row: u32, column: u32, columns: u32) -> vec4f {
  let packed = weight[(row * columns + column) / 4u];
  return vec4f(unpack4xI8(packed)) * block_scale(row, column / 32u, columns / 32u);
}
