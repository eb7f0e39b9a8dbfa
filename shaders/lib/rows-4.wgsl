// Four activations at a time: a vector of each column. See matvec-sums.wgsl.
alias rows_t = vec4f;
const ROWS: u32 = 4u;

struct RowStarts { m: vec4u }

fn row_starts(m: u32) -> RowStarts {
  return RowStarts(vec4u(x_row(m), x_row(m + 1u), x_row(m + 2u), x_row(m + 3u)) * (COLUMNS / 4u));
}

fn load_columns(rows: RowStarts, k4: u32) -> Columns {
  let a = x[rows.m.x + k4];
  let b = x[rows.m.y + k4];
  let c = x[rows.m.z + k4];
  let d = x[rows.m.w + k4];
  return Columns(
    vec4f(a.x, b.x, c.x, d.x),
    vec4f(a.y, b.y, c.y, d.y),
    vec4f(a.z, b.z, c.z, d.z),
    vec4f(a.w, b.w, c.w, d.w),
  );
}

fn squared(v: rows_t) -> rows_t { return v * v; }

fn row_value(v: rows_t, row: u32) -> f32 { return v[row]; }
