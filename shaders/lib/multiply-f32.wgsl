// Weights as plain f32, read 4 columns at a time.
alias weight_t = vec4u;
const BLOCK_COLUMNS: u32 = 4u;

fn multiply_block(s: ptr<function, Sums>, rows: RowStarts, n: vec4u, block: u32) {
  let at = n * (COLUMNS / 4u) + block;
  let c = next_columns(s, rows, block);
  multiply(
    s,
    c,
    bitcast<vec4f>(weight[at.x]),
    bitcast<vec4f>(weight[at.y]),
    bitcast<vec4f>(weight[at.z]),
    bitcast<vec4f>(weight[at.w]),
  );
}
