// Weights in groups, as in dequantize-groups.wgsl, of formats that hold columns of two groups,
// PAIR_DISTANCE apart, in the same words: quants_pair reads these once for both. One thread takes both
// groups whole.
alias weight_t = u32;
const UNIT_COLUMNS: u32 = 2u * GROUP_COLUMNS;
const PAIRS: u32 = PAIR_DISTANCE / GROUP_COLUMNS;

fn multiply_unit(s: ptr<function, Sums>, rows: RowStarts, n: vec4u, unit: u32) {
  let first = unit / PAIRS * 2u * PAIR_DISTANCE + unit % PAIRS * GROUP_COLUMNS;
  var near: Sums;
  var far: Sums;
  var near_total: rows_t;
  var far_total: rows_t;
  for (var column = first; column < first + GROUP_COLUMNS; column += 4u) {
    let q0 = quants_pair(n.x, column, COLUMNS);
    let q1 = quants_pair(n.y, column, COLUMNS);
    let q2 = quants_pair(n.z, column, COLUMNS);
    let q3 = quants_pair(n.w, column, COLUMNS);
    let c = next_columns(&near, rows, column / 4u);
    multiply(&near, c, q0[0], q1[0], q2[0], q3[0]);
    let d = next_columns(&far, rows, (column + PAIR_DISTANCE) / 4u);
    multiply(&far, d, q0[1], q1[1], q2[1], q3[1]);
    if (HAS_OFFSETS) {
      near_total = near_total + c.k0 + c.k1 + c.k2 + c.k3;
      far_total = far_total + d.k0 + d.k1 + d.k2 + d.k3;
    }
  }
  add_group(s, n, first, near, near_total);
  add_group(s, n, first + PAIR_DISTANCE, far, far_total);
}
