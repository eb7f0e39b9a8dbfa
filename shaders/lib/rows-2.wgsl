// Two activations at a time: a vector of each column. See matvec-sums.wgsl.
alias rows_t = vec2f;
const ROWS: u32 = 2u;

struct RowStarts { m0: u32, m1: u32 }

fn row_starts(m: u32) -> RowStarts {
  return RowStarts(x_row(m) * (COLUMNS / 4u), x_row(m + 1u) * (COLUMNS / 4u));
}

fn load_columns(rows: RowStarts, k4: u32) -> Columns {
  let a = x[rows.m0 + k4];
  let b = x[rows.m1 + k4];
  return Columns(vec2f(a.x, b.x), vec2f(a.y, b.y), vec2f(a.z, b.z), vec2f(a.w, b.w));
}

fn squared(v: rows_t) -> rows_t { return v * v; }

fn row_value(v: rows_t, row: u32) -> f32 { return v[row]; }
