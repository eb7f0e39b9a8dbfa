// What a thread sums up over columns, for 4 weight rows times ROWS activations.

// The values of 4 neighbouring columns.
struct Columns { k0: rows_t, k1: rows_t, k2: rows_t, k3: rows_t }

// Sums over columns for the 4 weight rows of a group, in registers with names: arrays of
// accumulators end in slow memory on several drivers.
struct Sums { n0: rows_t, n1: rows_t, n2: rows_t, n3: rows_t, squares: rows_t }

fn next_columns(s: ptr<function, Sums>, rows: RowStarts, k4: u32) -> Columns {
  var c = load_columns(rows, k4);
  if (HAS_NORM) {
    (*s).squares += squared(c.k0);
    (*s).squares += squared(c.k1);
    (*s).squares += squared(c.k2);
    (*s).squares += squared(c.k3);
    let g = norm_weight[k4];
    c = Columns(c.k0 * g.x, c.k1 * g.y, c.k2 * g.z, c.k3 * g.w);
  }
  return c;
}

fn multiply(s: ptr<function, Sums>, c: Columns, w0: vec4f, w1: vec4f, w2: vec4f, w3: vec4f) {
  (*s).n0 = (*s).n0 + c.k0 * w0.x + c.k1 * w0.y + c.k2 * w0.z + c.k3 * w0.w;
  (*s).n1 = (*s).n1 + c.k0 * w1.x + c.k1 * w1.y + c.k2 * w1.z + c.k3 * w1.w;
  (*s).n2 = (*s).n2 + c.k0 * w2.x + c.k1 * w2.y + c.k2 * w2.z + c.k3 * w2.w;
  (*s).n3 = (*s).n3 + c.k0 * w3.x + c.k1 * w3.y + c.k2 * w3.z + c.k3 * w3.w;
}

fn add_scaled(s: ptr<function, Sums>, part: Sums, scale: vec4f) {
  (*s).n0 += part.n0 * scale.x;
  (*s).n1 += part.n1 * scale.y;
  (*s).n2 += part.n2 * scale.z;
  (*s).n3 += part.n3 * scale.w;
  (*s).squares += part.squares;
}

fn added(a: Sums, b: Sums) -> Sums {
  return Sums(a.n0 + b.n0, a.n1 + b.n1, a.n2 + b.n2, a.n3 + b.n3, a.squares + b.squares);
}

// Ends one of the ROWS activations.
fn finish_sums(m: u32, n: u32, row: u32, s: Sums) {
  let sums = vec4f(row_value(s.n0, row), row_value(s.n1, row), row_value(s.n2, row), row_value(s.n3, row));
  finish_row(m, n, sums, row_value(s.squares, row));
}
