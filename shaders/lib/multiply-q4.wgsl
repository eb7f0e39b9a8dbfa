// Blocks of 32 columns in 4 words: element i in the low nibble of byte i, element i + 16 in its high
// nibble, offset by 8. The scale multiplies the sum of a block where one thread takes it whole, else
// that of a word; never each weight.
alias weight_t = u32;
const UNIT_WORDS: u32 = select(1u, 4u, WHOLE_BLOCKS);
const UNIT_COLUMNS: u32 = 8u * UNIT_WORDS;

fn multiply_unit(s: ptr<function, Sums>, rows: RowStarts, n: vec4u, unit: u32) {
  let first = unit * UNIT_WORDS;
  let block = first / 4u;
  let at = n * (COLUMNS / 8u);
  var part: Sums;
  for (var word = first; word < first + UNIT_WORDS; word++) {
    let q = vec4u(
      weight[at.x + word],
      weight[at.y + word],
      weight[at.z + word],
      weight[at.w + word],
    );
    let k4 = block * 8u + word % 4u;
    multiply_nibbles(&part, next_columns(&part, rows, k4), q);
    multiply_nibbles(&part, next_columns(&part, rows, k4 + 4u), q >> vec4u(4u));
  }
  add_scaled(s, part, block_scales(n, block));
}

fn multiply_nibbles(part: ptr<function, Sums>, c: Columns, words: vec4u) {
  let q = words & vec4u(0x0f0f0f0fu);
  multiply(part, c, offset(q.x), offset(q.y), offset(q.z), offset(q.w));
}

fn offset(bytes: u32) -> vec4f { return vec4f(unpack4xU8(bytes)) - 8.0; }
