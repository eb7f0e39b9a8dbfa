// Bit i of a word belongs to element i of 32: bits [within, within + 4) as bit 4 of a byte each.
fn fifth_bits4(bits: u32, within: u32) -> u32 {
  // The factor moves bit i to the start of byte i.
  return ((((bits >> within) & 15u) * 0x00204081u) & 0x01010101u) << 4u;
}
