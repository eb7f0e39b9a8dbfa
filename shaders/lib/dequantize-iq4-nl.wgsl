// ggml's IQ4_NL, blocks of 32 columns in 4 words of nibbles: LEVELS[q] d, with d among the scales. The
// levels stand closer together around zero.
const GROUP_COLUMNS: u32 = 32u;
const HAS_OFFSETS: bool = false;
const LEVELS = array<f32, 16>(
  -127.0, -104.0, -83.0, -65.0, -49.0, -35.0, -22.0, -10.0,
  1.0, 13.0, 25.0, 38.0, 53.0, 69.0, 89.0, 113.0,
);

fn group_scale(row: u32, column: u32, columns: u32) -> vec2f {
  return vec2f(block_scale(row, column / 32u, columns / 32u), 0.0);
}

fn quants4(row: u32, column: u32, columns: u32) -> vec4f {
  let q = unpack4xU8(nibbles4((row * columns + column) / 32u * 4u, column % 32u));
  return vec4f(LEVELS[q.x], LEVELS[q.y], LEVELS[q.z], LEVELS[q.w]);
}
