// ggml's Q2_K, blocks of 256 columns in 21 words: 16 bytes with a group's scale in the low and its
// minimum in the high nibble, 16 words of 2-bit q, f16 d and dmin: q d scale - dmin minimum.
const GROUP_COLUMNS: u32 = 16u;
const HAS_OFFSETS: bool = true;

fn group_scale(row: u32, column: u32, columns: u32) -> vec2f {
  let at = (row * columns + column) / 256u * 21u;
  let packed = byte_at(at, column % 256u / 16u);
  return unpack2x16float(weight[at + 20u]) * vec2f(f32(packed & 15u), -f32(packed >> 4u));
}

fn quants4(row: u32, column: u32, columns: u32) -> vec4f {
  let at = (row * columns + column) / 256u * 21u;
  let within = column % 256u;
  let word = weight[at + 4u + within / 128u * 8u + within % 32u / 4u];
  return vec4f(unpack4xU8((word >> (within % 128u / 32u * 2u)) & 0x03030303u));
}
