// Numbers as a file holds them: f32.
fn source_value(at: u32) -> f32 { return bitcast<f32>(source[at]); }
