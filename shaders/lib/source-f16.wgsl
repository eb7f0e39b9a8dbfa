// Numbers as a file holds them: f16, two a word.
fn source_value(at: u32) -> f32 {
  let pair = unpack2x16float(source[at / 2u]);
  return select(pair.x, pair.y, (at & 1u) == 1u);
}
