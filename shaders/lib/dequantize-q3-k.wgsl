// ggml's Q3_K, blocks of 256 columns in 27 words: 8 words of third bits, 16 of 2-bit q, 3 of 6-bit group
// scales: (q - 4) d (scale - 32), with d among the scales.
const GROUP_COLUMNS: u32 = 16u;
const HAS_OFFSETS: bool = false;

fn group_scale(row: u32, column: u32, columns: u32) -> vec2f {
  let at = (row * columns + column) / 256u * 27u + 24u;
  let group = column % 256u / 16u;
  let low = (byte_at(at, group % 8u) >> (group / 8u * 4u)) & 15u;
  let high = (byte_at(at + 2u, group % 4u) >> (group / 4u * 2u)) & 3u;
  let d = block_scale(row, column / 256u, columns / 256u);
  return vec2f(d * (f32(low | (high << 4u)) - 32.0), 0.0);
}

fn quants4(row: u32, column: u32, columns: u32) -> vec4f {
  let at = (row * columns + column) / 256u * 27u;
  let within = column % 256u;
  let word = within % 32u / 4u;
  let two = weight[at + 8u + within / 128u * 8u + word] >> (within % 128u / 32u * 2u);
  let third = weight[at + word] >> (within / 32u);
  return vec4f(unpack4xU8((two & 0x03030303u) | ((third & 0x01010101u) << 2u))) - 4.0;
}
