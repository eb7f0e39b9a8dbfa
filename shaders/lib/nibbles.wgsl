// Blocks of 32 elements in 4 words from weight[at]: byte i holds element i in its low nibble and
// element i + 16 in its high one. Elements [within, within + 4), a byte each.
fn nibbles4(at: u32, within: u32) -> u32 {
  return (weight[at + (within % 16u) / 4u] >> (within / 16u * 4u)) & 0x0f0f0f0fu;
}
