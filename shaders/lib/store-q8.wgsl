// src/weights/quantization.ts defines q8.
fn store_block(dest_row: u32, source_row: u32, first: u32, columns: u32) -> f32 {
  var largest = 0.0;
  for (var i = 0u; i < 32u; i++) {
    largest = max(largest, abs(source_value(source_row + first + i)));
  }
  // As the reader will see it: q is the nearest multiple of the stored scale.
  let scale = unpack2x16float(pack2x16float(vec2f(largest * (1.0 / 127.0), 0.0))).x;
  for (var i = 0u; i < 32u; i += 4u) {
    var q = vec4i(0);
    if (scale > 0.0) {
      let at = source_row + first + i;
      let values = vec4f(
        source_value(at), source_value(at + 1u), source_value(at + 2u), source_value(at + 3u));
      q = clamp(vec4i(round(values / scale)), vec4i(-127), vec4i(127));
    }
    weight[(dest_row * columns + first + i) / 4u] = pack4xI8(q);
  }
  return scale;
}
