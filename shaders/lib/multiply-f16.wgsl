// Weights as f16 pairs, read 4 columns at a time.
alias weight_t = vec2u;
const UNIT_COLUMNS: u32 = 4u;

fn multiply_unit(s: ptr<function, Sums>, rows: RowStarts, n: vec4u, unit: u32) {
  let at = n * (COLUMNS / 4u) + unit;
  let c = next_columns(s, rows, unit);
  multiply(s, c, halves(at.x), halves(at.y), halves(at.z), halves(at.w));
}

fn halves(at: u32) -> vec4f {
  let pairs = weight[at];
  return vec4f(unpack2x16float(pairs.x), unpack2x16float(pairs.y));
}
