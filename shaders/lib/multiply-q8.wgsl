// Blocks of 32 columns of int8, 16 a vector. The scale multiplies a block's sum, not each weight.
alias weight_t = vec4u;
const BLOCK_COLUMNS: u32 = 32u;

fn multiply_block(s: ptr<function, Sums>, rows: RowStarts, n: vec4u, block: u32) {
  let at = n * (COLUMNS / 16u) + block * 2u;
  var part: Sums;
  for (var half = 0u; half < 2u; half++) {
    let q0 = weight[at.x + half];
    let q1 = weight[at.y + half];
    let q2 = weight[at.z + half];
    let q3 = weight[at.w + half];
    let k4 = block * 8u + half * 4u;
    multiply(&part, next_columns(&part, rows, k4), bytes(q0.x), bytes(q1.x), bytes(q2.x), bytes(q3.x));
    multiply(&part, next_columns(&part, rows, k4 + 1u), bytes(q0.y), bytes(q1.y), bytes(q2.y), bytes(q3.y));
    multiply(&part, next_columns(&part, rows, k4 + 2u), bytes(q0.z), bytes(q1.z), bytes(q2.z), bytes(q3.z));
    multiply(&part, next_columns(&part, rows, k4 + 3u), bytes(q0.w), bytes(q1.w), bytes(q2.w), bytes(q3.w));
  }
  add_scaled(s, part, block_scales(n, block));
}

fn bytes(word: u32) -> vec4f { return vec4f(unpack4xI8(word)); }
