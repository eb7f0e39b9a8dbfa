// src/weights/quantization.ts defines q4.
fn nibbles(at: u32, scale: f32) -> vec4u {
  if (scale == 0.0) {
    return vec4u(8u);
  }
  let values = vec4f(
    source_value(at), source_value(at + 1u), source_value(at + 2u), source_value(at + 3u));
  return vec4u(clamp(vec4i(round(values / scale)) + 8, vec4i(0), vec4i(15)));
}

fn store_block(dest_row: u32, source_row: u32, first: u32, columns: u32) -> f32 {
  var largest = 0.0;
  for (var i = 0u; i < 32u; i++) {
    let value = source_value(source_row + first + i);
    if (abs(value) > abs(largest)) {
      largest = value;
    }
  }
  let scale = unpack2x16float(pack2x16float(vec2f(largest * (-1.0 / 8.0), 0.0))).x;
  for (var i = 0u; i < 16u; i += 4u) {
    let at = source_row + first + i;
    let bytes = nibbles(at, scale) | (nibbles(at + 16u, scale) << vec4u(4u));
    weight[(dest_row * columns + first) / 8u + i / 4u] = pack4xU8(bytes);
  }
  return scale;
}
