// Weights as plain f32, read 4 columns at a time.
alias weight_t = vec4u;
const UNIT_COLUMNS: u32 = 4u;

fn multiply_unit(s: ptr<function, Sums>, rows: RowStarts, n: vec4u, unit: u32) {
  let at = n * (COLUMNS / 4u) + unit;
  let c = next_columns(s, rows, unit);
  multiply(
    s,
    c,
    bitcast<vec4f>(weight[at.x]),
    bitcast<vec4f>(weight[at.y]),
    bitcast<vec4f>(weight[at.z]),
    bitcast<vec4f>(weight[at.w]),
  );
}
