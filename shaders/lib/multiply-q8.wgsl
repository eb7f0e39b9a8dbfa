// Blocks of 32 columns of int8, 4 a word. The scale multiplies the sum of a block where one thread
// takes it whole, else that of a word; never each weight.
alias weight_t = u32;
const UNIT_WORDS: u32 = select(1u, 8u, WHOLE_BLOCKS);
const UNIT_COLUMNS: u32 = 4u * UNIT_WORDS;

fn multiply_unit(s: ptr<function, Sums>, rows: RowStarts, n: vec4u, unit: u32) {
  let first = unit * UNIT_WORDS;
  let at = n * (COLUMNS / 4u);
  var part: Sums;
  for (var word = first; word < first + UNIT_WORDS; word++) {
    let q = at + word;
    let c = next_columns(&part, rows, word);
    multiply(&part, c, bytes(q.x), bytes(q.y), bytes(q.z), bytes(q.w));
  }
  add_scaled(s, part, block_scales(n, first / 8u));
}

fn bytes(at: u32) -> vec4f { return vec4f(unpack4xI8(weight[at])); }
