// Eight activations at a time: two vectors of each column, as the matrix type that adds and scales
// like one vector. See matvec.wgsl.
alias rows_t = mat2x4f;
const ROWS: u32 = 8u;

struct RowStarts { m: vec4u, m4: vec4u }

fn row_starts(m: u32, last: u32) -> RowStarts {
  let rows = vec4u(m, m + 1u, m + 2u, m + 3u);
  return RowStarts(
    min(rows, vec4u(last)) * (COLUMNS / 4u),
    min(rows + 4u, vec4u(last)) * (COLUMNS / 4u),
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

fn finish_rows(m: u32, n: u32, s: Sums) {
  finish_half(m, n, s.n0[0], s.n1[0], s.n2[0], s.n3[0], s.squares[0]);
  finish_half(m + 4u, n, s.n0[1], s.n1[1], s.n2[1], s.n3[1], s.squares[1]);
}

fn finish_half(m: u32, n: u32, n0: vec4f, n1: vec4f, n2: vec4f, n3: vec4f, squares: vec4f) {
  finish_row(m, n, vec4f(n0.x, n1.x, n2.x, n3.x), squares.x);
  finish_row(m + 1u, n, vec4f(n0.y, n1.y, n2.y, n3.y), squares.y);
  finish_row(m + 2u, n, vec4f(n0.z, n1.z, n2.z, n3.z), squares.z);
  finish_row(m + 3u, n, vec4f(n0.w, n1.w, n2.w, n3.w), squares.w);
}
