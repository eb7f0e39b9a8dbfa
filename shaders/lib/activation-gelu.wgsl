// gelu(x) = x / 2 * (1 + erf(x / sqrt(2))), as arXiv:1606.08415 defines it.
fn activate(x: f32) -> f32 { return 0.5 * x * (1.0 + erf(0.7071067811865476 * x)); }

// Formula 7.1.26 of Abramowitz and Stegun, within 1.5e-7 of erf.
fn erf(x: f32) -> f32 {
  // Beyond 5, erf is 1 in f32, and squares may overflow.
  let size = min(abs(x), 5.0);
  let t = 1.0 / (1.0 + 0.3275911 * size);
  let sum = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return sign(x) * (1.0 - sum * exp(-size * size));
}
