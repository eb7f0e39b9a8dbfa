// Four activations at a time: a vector of each column. See matvec.wgsl.
alias rows_t = vec4f;
const ROWS: u32 = 4u;

struct RowStarts { m: vec4u }

fn row_starts(m: u32, last: u32) -> RowStarts {
  return RowStarts(min(vec4u(m, m + 1u, m + 2u, m + 3u), vec4u(last)) * (COLUMNS / 4u));
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

fn finish_rows(m: u32, n: u32, s: Sums) {
  finish_row(m, n, vec4f(s.n0.x, s.n1.x, s.n2.x, s.n3.x), s.squares.x);
  finish_row(m + 1u, n, vec4f(s.n0.y, s.n1.y, s.n2.y, s.n3.y), s.squares.y);
  finish_row(m + 2u, n, vec4f(s.n0.z, s.n1.z, s.n2.z, s.n3.z), s.squares.z);
  finish_row(m + 3u, n, vec4f(s.n0.w, s.n1.w, s.n2.w, s.n3.w), s.squares.w);
}
