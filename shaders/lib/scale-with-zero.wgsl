// A word a block of 32 columns: an f32 scale without its lowest 8 bits, which hold the zero point. Scale
// times zero, and times any q of 8 bits, is exact in f32.
fn group_scale(row: u32, column: u32, columns: u32) -> vec2f {
  let word = scales[(row * columns + column) / 32u];
  let scale = bitcast<f32>(word & 0xffffff00u);
  return vec2f(scale, -scale * f32(word & 0xffu));
}
