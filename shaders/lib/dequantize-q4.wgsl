// Blocks of 32 along the columns, 16 bytes each: byte i holds element i in its low nibble and
// element i + 16 in its high one, stored with an offset of 8 (ggml's Q4_0). One f16 scale a block.
fn dequantize4(row: u32, column: u32, columns: u32) -> vec4f {
  let within = column % 32u;
  let packed = weight[(row * columns + (column - within)) / 8u + (within % 16u) / 4u];
  let nibbles = (packed >> select(0u, 4u, within >= 16u)) & 0x0f0f0f0fu;
  return (vec4f(unpack4xU8(nibbles)) - 8.0) * block_scale(row, column / 32u, columns / 32u);
}
