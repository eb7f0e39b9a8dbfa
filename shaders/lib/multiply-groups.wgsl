// Weights in groups, as in dequantize-groups.wgsl; one thread takes a whole group.
alias weight_t = u32;
const UNIT_COLUMNS: u32 = GROUP_COLUMNS;

fn multiply_unit(s: ptr<function, Sums>, rows: RowStarts, n: vec4u, unit: u32) {
  let first = unit * GROUP_COLUMNS;
  var products: Sums;
  var total: rows_t;
  for (var column = first; column < first + GROUP_COLUMNS; column += 4u) {
    let c = next_columns(&products, rows, column / 4u);
    multiply(
      &products,
      c,
      quants4(n.x, column, COLUMNS),
      quants4(n.y, column, COLUMNS),
      quants4(n.z, column, COLUMNS),
      quants4(n.w, column, COLUMNS),
    );
    if (HAS_OFFSETS) {
      total = total + c.k0 + c.k1 + c.k2 + c.k3;
    }
  }
  add_group(s, n, first, products, total);
}
