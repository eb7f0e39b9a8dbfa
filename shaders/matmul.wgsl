// out[m, n] = epilogue(sum over k of x[m, k] * norm[k] * W[n, k] / rms(x[m, :]) + bias[n]), many rows m.
// A workgroup makes a tile of 32 activations times 64 weight rows, a thread 4 times 4 of it, over tiles
// of 32 columns in shared memory. Grid: x and z count tiles of weight rows, y tiles of activations.
const TILE_M: u32 = 32u;
const TILE_N: u32 = 64u;
const TILE_K: u32 = 32u;
const WORKGROUP_SIZE: u32 = 128u;
// Vectors of 4 rows a column; one more than needed spreads neighbouring columns over memory banks.
const X_STRIDE: u32 = TILE_M / 4u + 1u;
const W_STRIDE: u32 = TILE_N / 4u + 1u;

alias weight_t = u32;

// [column][row / 4]; 13 KiB in all, below the 16 KiB that every adapter has.
var<workgroup> x_tile: array<vec4f, TILE_K * X_STRIDE>;
var<workgroup> w_tile: array<vec4f, TILE_K * W_STRIDE>;

// Loads 4 activations times 4 columns, transposed. Rows past the last repeat it; columns past the end
// are zero.
fn load_x(place: u32, m: u32, last: u32, k: u32, column: u32) {
  var rows = mat4x4f();
  if (column < COLUMNS) {
    let at = min(vec4u(m, m + 1u, m + 2u, m + 3u), vec4u(last)) * (COLUMNS / 4u) + column / 4u;
    rows = mat4x4f(x[at.x], x[at.y], x[at.z], x[at.w]);
  }
  let columns = transpose(rows);
  x_tile[k * X_STRIDE + place] = columns[0];
  x_tile[(k + 1u) * X_STRIDE + place] = columns[1];
  x_tile[(k + 2u) * X_STRIDE + place] = columns[2];
  x_tile[(k + 3u) * X_STRIDE + place] = columns[3];
}

// The same for weights, times the norm's weight: the activations stay as they are for their squares.
fn load_w(place: u32, n: u32, k: u32, column: u32) {
  var rows = mat4x4f();
  if (column < COLUMNS) {
    let last = NUM_ROWS - 1u;
    rows = mat4x4f(
      dequantize4(min(n, last), column, COLUMNS),
      dequantize4(min(n + 1u, last), column, COLUMNS),
      dequantize4(min(n + 2u, last), column, COLUMNS),
      dequantize4(min(n + 3u, last), column, COLUMNS),
    );
  }
  var columns = transpose(rows);
  if (HAS_NORM) {
    let g = norm_weight[min(column, COLUMNS - 4u) / 4u];
    columns = mat4x4f(columns[0] * g.x, columns[1] * g.y, columns[2] * g.z, columns[3] * g.w);
  }
  w_tile[k * W_STRIDE + place] = columns[0];
  w_tile[(k + 1u) * W_STRIDE + place] = columns[1];
  w_tile[(k + 2u) * W_STRIDE + place] = columns[2];
  w_tile[(k + 3u) * W_STRIDE + place] = columns[3];
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile_n = (workgroup.z * workgroups.x + workgroup.x) * TILE_N;
  let tile_m = workgroup.y * TILE_M;
  let num_rows = step[ROW_COUNT_WORD];
  if (tile_n >= NUM_ROWS || tile_m >= num_rows) {
    return;
  }
  // Neighbouring lanes load neighbouring columns, and multiply neighbouring weight rows.
  let load_k = (lane % 8u) * 4u;
  let load_row = lane / 8u;
  let m4 = lane / 16u;
  let n4 = lane % 16u;
  var m0 = vec4f();
  var m1 = vec4f();
  var m2 = vec4f();
  var m3 = vec4f();
  var squares = vec4f();
  for (var tile_k = 0u; tile_k < COLUMNS; tile_k += TILE_K) {
    if (load_row < TILE_M / 4u) {
      load_x(load_row, tile_m + load_row * 4u, num_rows - 1u, load_k, tile_k + load_k);
    }
    load_w(load_row, tile_n + load_row * 4u, load_k, tile_k + load_k);
    workgroupBarrier();
    for (var k = 0u; k < TILE_K; k++) {
      let a = x_tile[k * X_STRIDE + m4];
      let w = w_tile[k * W_STRIDE + n4];
      m0 += w * a.x;
      m1 += w * a.y;
      m2 += w * a.z;
      m3 += w * a.w;
      if (HAS_NORM) {
        squares += a * a;
      }
    }
    workgroupBarrier();
  }
  let m = tile_m + m4 * 4u;
  let n = tile_n + n4 * 4u;
  finish_row(m, n, m0, squares.x);
  finish_row(m + 1u, n, m1, squares.y);
  finish_row(m + 2u, n, m2, squares.z);
  finish_row(m + 3u, n, m3, squares.w);
}
