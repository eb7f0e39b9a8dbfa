// Eight activations at a time: two vectors of each column, as the matrix type that adds and scales
// like one vector. See matvec-sums.wgsl.
alias rows_t = mat2x4f;
const ROWS: u32 = 8u;

struct RowStarts { m: vec4u, m4: vec4u }

fn row_starts(m: u32) -> RowStarts {
  return RowStarts(
    vec4u(x_row(m), x_row(m + 1u), x_row(m + 2u), x_row(m + 3u)) * (COLUMNS / 4u),
    vec4u(x_row(m + 4u), x_row(m + 5u), x_row(m + 6u), x_row(m + 7u)) * (COLUMNS / 4u),
  );
}

fn load_columns(rows: RowStarts, k4: u32) -> Columns {
  let a = x[rows.m.x + k4];
  let b = x[rows.m.y + k4];
  let c = x[rows.m.z + k4];
  let d = x[rows.m.w + k4];
  let e = x[rows.m4.x + k4];
  let f = x[rows.m4.y + k4];
  let g = x[rows.m4.z + k4];
  let h = x[rows.m4.w + k4];
  return Columns(
    mat2x4f(a.x, b.x, c.x, d.x, e.x, f.x, g.x, h.x),
    mat2x4f(a.y, b.y, c.y, d.y, e.y, f.y, g.y, h.y),
    mat2x4f(a.z, b.z, c.z, d.z, e.z, f.z, g.z, h.z),
    mat2x4f(a.w, b.w, c.w, d.w, e.w, f.w, g.w, h.w),
  );
}

fn squared(v: rows_t) -> rows_t { return mat2x4f(v[0] * v[0], v[1] * v[1]); }

fn row_value(v: rows_t, row: u32) -> f32 { return select(v[0][row & 3u], v[1][row & 3u], row > 3u); }
