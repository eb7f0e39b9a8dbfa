// Weights as f16 pairs in u32, row-major [rows][columns / 2].
fn dequantize4(row: u32, column: u32, columns: u32) -> vec4f {
  let at = (row * columns + column) / 2u;
  return vec4f(unpack2x16float(weight[at]), unpack2x16float(weight[at + 1u]));
}
