// out[m, j] = activate(gate_j) * up_j, where weight row 2j is gate_j and row 2j + 1 is up_j.
fn write_outputs(row_start: u32, n: u32, v: vec4f) {
  let at = row_start + (FIRST_ROW + n) / 2u;
  out[at] = activate(v.x) * v.y;
  if (NUM_ROWS - n > 2u) { out[at + 1u] = activate(v.z) * v.w; }
}
