// Weights as plain f32, row-major [rows][columns].
fn dequantize4(row: u32, column: u32, columns: u32) -> vec4f {
  let at = row * columns + column;
  return bitcast<vec4f>(vec4u(weight[at], weight[at + 1u], weight[at + 2u], weight[at + 3u]));
}
