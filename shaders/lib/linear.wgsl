// What the kernels of a linear layer share: numbers, buffers and the end of a row.
// Every step's number of activations stands in the step header at this word.
override ROW_COUNT_WORD: u32;
// k: the columns of the weights and of x. A multiple of 4, or of 32 for blocked formats.
override COLUMNS: u32;
// Weight rows [FIRST_ROW, FIRST_ROW + NUM_ROWS) lie in this shard.
override FIRST_ROW: u32;
override NUM_ROWS: u32;
// Floats from one row of `out` to the next.
override OUT_STRIDE: u32;
override HAS_NORM: bool;
override EPS: f32;
override HAS_BIAS: bool;
// Factor of every result, before the epilogue.
override OUT_SCALE: f32;
// Results become SOFT_CAP * tanh(v / SOFT_CAP) after that; 0 for none.
override SOFT_CAP: f32;

@group(0) @binding(0) var<storage, read> step: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> weight: array<weight_t>;
@group(0) @binding(3) var<storage, read> scales: array<u32>;
@group(0) @binding(4) var<storage, read> norm_weight: array<vec4f>;
@group(0) @binding(5) var<storage, read> bias: array<f32>;
@group(0) @binding(6) var<storage, read_write> out: array<f32>;

// Activations from m on, and the row of x that m stands for: the last one past the end.
fn rows_from(m: u32) -> u32 { return step[ROW_COUNT_WORD] - m; }
fn x_row(m: u32) -> u32 { return min(m, step[ROW_COUNT_WORD] - 1u); }

// Outputs of activation m and weight rows n to n + 3; n is a multiple of 4. `sums` holds the sums of
// x * norm_weight * W, `squares` the sum of x^2, which the norm divides by only here.
fn finish_row(m: u32, n: u32, sums: vec4f, squares: f32) {
  if (m >= step[ROW_COUNT_WORD] || n >= NUM_ROWS) {
    return;
  }
  var v = sums;
  if (HAS_NORM) {
    v *= inverseSqrt(squares / f32(COLUMNS) + EPS);
  }
  if (HAS_BIAS) {
    let at = FIRST_ROW + n;
    v += vec4f(bias[at], bias[at + 1u], bias[at + 2u], bias[at + 3u]);
  }
  v *= OUT_SCALE;
  if (SOFT_CAP != 0.0) {
    // tanh is 1 from 20 on in f32; beyond, its exponentials may overflow.
    v = SOFT_CAP * tanh(clamp(v / SOFT_CAP, vec4f(-20.0), vec4f(20.0)));
  }
  write_outputs(m * OUT_STRIDE, n, v);
}
