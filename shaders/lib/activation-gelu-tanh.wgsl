// gelu(x) in the tanh approximation of Hendrycks and Gimpel, arXiv:1606.08415.
fn activate(x: f32) -> f32 {
  let inner = 0.7978845608028654 * (x + 0.044715 * x * x * x);
  // tanh is 1 from 20 on in f32; beyond, its exponentials may overflow.
  return 0.5 * x * (1.0 + tanh(clamp(inner, -20.0, 20.0)));
}
