// silu(x) = x / (1 + e^-x)
fn activate(x: f32) -> f32 { return x / (1.0 + exp(-x)); }
