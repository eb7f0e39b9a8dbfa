// One activation at a time: a scalar of each column. See matvec-sums.wgsl.
alias rows_t = f32;
const ROWS: u32 = 1u;

struct RowStarts { m0: u32 }

fn row_starts(m: u32) -> RowStarts {
  return RowStarts(x_row(m) * (COLUMNS / 4u));
}

fn load_columns(rows: RowStarts, k4: u32) -> Columns {
  let a = x[rows.m0 + k4];
  return Columns(a.x, a.y, a.z, a.w);
}

fn squared(v: rows_t) -> rows_t { return v * v; }

fn row_value(v: rows_t, row: u32) -> f32 { return v; }
