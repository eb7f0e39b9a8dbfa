// Numbers as a file holds them: bf16, the upper half of an f32, two a word.
fn source_value(at: u32) -> f32 {
  let pair = source[at / 2u];
  return bitcast<f32>(select(pair << 16u, pair & 0xffff0000u, (at & 1u) == 1u));
}
