// ggml's Q6_K, blocks of 256 columns in 52 words: 32 words of the low 4 bits of q, 16 of the high 2, 16
// signed bytes of group scales: (q - 32) d scale, with d among the scales.
const GROUP_COLUMNS: u32 = 16u;
const HAS_OFFSETS: bool = false;
const PAIR_DISTANCE: u32 = 64u;

fn group_scale(row: u32, column: u32, columns: u32) -> vec2f {
  let at = (row * columns + column) / 256u * 52u + 48u;
  let group = column % 256u / 16u;
  let scale = f32(unpack4xI8(weight[at + group / 4u])[group % 4u]);
  return vec2f(block_scale(row, column / 256u, columns / 256u) * scale, 0.0);
}

fn quants4(row: u32, column: u32, columns: u32) -> vec4f {
  let within = column % 128u;
  let shifts = vec2u(within / 64u * 4u, within / 32u * 2u);
  return six_bits(four_and_two_bits(row, column, columns) >> shifts);
}

// Of 4 columns, and of those PAIR_DISTANCE further.
fn quants_pair(row: u32, column: u32, columns: u32) -> mat2x4f {
  let words = four_and_two_bits(row, column, columns) >> vec2u(0u, column % 64u / 32u * 2u);
  return mat2x4f(six_bits(words), six_bits(words >> vec2u(4u)));
}

fn four_and_two_bits(row: u32, column: u32, columns: u32) -> vec2u {
  let at = (row * columns + column) / 256u * 52u;
  let half = column % 256u / 128u;
  let low = weight[at + half * 16u + column % 64u / 4u];
  return vec2u(low, weight[at + 32u + half * 8u + column % 32u / 4u]);
}

fn six_bits(words: vec2u) -> vec4f {
  return vec4f(unpack4xU8((words.x & 0x0f0f0f0fu) | ((words.y & 0x03030303u) << 4u))) - 32.0;
}
