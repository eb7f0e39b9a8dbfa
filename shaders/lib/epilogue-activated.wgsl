// out[m, n] = activate(v)
fn write_outputs(row_start: u32, n: u32, v: vec4f) {
  let at = row_start + FIRST_ROW + n;
  let count = NUM_ROWS - n;
  out[at] = activate(v.x);
  if (count > 1u) { out[at + 1u] = activate(v.y); }
  if (count > 2u) { out[at + 2u] = activate(v.z); }
  if (count > 3u) { out[at + 3u] = activate(v.w); }
}
