// Masses as 64-bit fixed point (low, high): their sums have no order, so every workgroup size and
// every batch gives the same bits, and a sum over a vocabulary loses nothing.

// A mass in [0, 1] in units of 2^-40: sums of 2^20 of them fit.
fn fixed_mass(mass: f32) -> vec2u {
  let scaled = mass * 1048576.0;
  let whole = floor(scaled);
  let rest = u32((scaled - whole) * 1048576.0);
  return vec2u((u32(whole) << 20u) | rest, u32(whole) >> 12u);
}

fn add64(a: vec2u, b: vec2u) -> vec2u {
  let low = a.x + b.x;
  return vec2u(low, a.y + b.y + select(0u, 1u, low < a.x));
}

fn to_float(mass: vec2u) -> f32 {
  return f32(mass.y) * 4294967296.0 + f32(mass.x);
}
