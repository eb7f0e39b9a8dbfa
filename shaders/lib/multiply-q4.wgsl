// Blocks of 32 columns: element i in the low nibble of byte i, element i + 16 in its high nibble,
// offset by 8. The scale multiplies a block's sum, not each weight.
alias weight_t = vec4u;
const BLOCK_COLUMNS: u32 = 32u;

fn multiply_block(s: ptr<function, Sums>, rows: RowStarts, n: vec4u, block: u32) {
  let at = n * (COLUMNS / 32u) + block;
  var q0 = weight[at.x];
  var q1 = weight[at.y];
  var q2 = weight[at.z];
  var q3 = weight[at.w];
  var part: Sums;
  for (var half = 0u; half < 2u; half++) {
    let k4 = block * 8u + half * 4u;
    multiply(&part, next_columns(&part, rows, k4), low(q0.x), low(q1.x), low(q2.x), low(q3.x));
    multiply(&part, next_columns(&part, rows, k4 + 1u), low(q0.y), low(q1.y), low(q2.y), low(q3.y));
    multiply(&part, next_columns(&part, rows, k4 + 2u), low(q0.z), low(q1.z), low(q2.z), low(q3.z));
    multiply(&part, next_columns(&part, rows, k4 + 3u), low(q0.w), low(q1.w), low(q2.w), low(q3.w));
    q0 >>= vec4u(4u);
    q1 >>= vec4u(4u);
    q2 >>= vec4u(4u);
    q3 >>= vec4u(4u);
  }
  add_scaled(s, part, block_scales(n, block));
}

fn low(word: u32) -> vec4f { return vec4f(unpack4xU8(word & 0x0f0f0f0fu)) - 8.0; }
