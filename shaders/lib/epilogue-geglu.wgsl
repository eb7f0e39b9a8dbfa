// out[m, j] = gelu(gate_j) * up_j, where weight row 2j is gate_j and row 2j + 1 is up_j.
fn write_outputs(row_start: u32, n: u32, v: vec4f) {
  let at = row_start + (FIRST_ROW + n) / 2u;
  out[at] = gelu(v.x) * v.y;
  if (NUM_ROWS - n > 2u) { out[at + 1u] = gelu(v.z) * v.w; }
}

// The tanh approximation of Hendrycks and Gimpel, arXiv:1606.08415.
fn gelu(x: f32) -> f32 {
  let inner = 0.7978845608028654 * (x + 0.044715 * x * x * x);
  // tanh is 1 from 20 on in f32; beyond, its exponentials may overflow.
  return 0.5 * x * (1.0 + tanh(clamp(inner, -20.0, 20.0)));
}
