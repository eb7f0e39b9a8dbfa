// Logits are compared as u32 keys that keep their order: exact, and safe from NaN, on which WGSL
// promises nothing.

// 0 for NaN, which never wins; -0 counts as 0.
fn order_key(bits: u32) -> u32 {
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    return 0u;
  }
  if ((bits & 0x80000000u) != 0u) {
    return select(~bits, 0x80000000u, bits == 0x80000000u);
  }
  return bits | 0x80000000u;
}

// The logit of a key, clamped to finite numbers.
fn key_value(key: u32) -> f32 {
  let clamped = clamp(key, 0x00800000u, 0xff7fffffu);
  return bitcast<f32>(select(~clamped, clamped & 0x7fffffffu, clamped >= 0x80000000u));
}

// Keys of NaN and -Infinity (masked out): they take no part in a draw.
fn is_excluded(key: u32) -> bool {
  return key <= 0x007fffffu;
}
