// out[p, n] = epilogue(sum over k of x[row(p), k] * norm[k] * W[expert(p), n, k] / rms(x[row(p), :])), for
// pairs p of a token and an expert of its choice. One row group = 4 weight rows of an expert times a tile of
// ROWS pairs that share it: a thread's or a workgroup's. Grid: x counts workgroups over rows, y and z tiles.
override WORKGROUP_SIZE: u32 = 16;
override COLUMNS: u32;
// Weight rows of one expert; the next one's follow.
override NUM_ROWS: u32;
// Rows [SHARD_FIRST, SHARD_FIRST + SHARD_ROWS) of all experts lie in this shard: multiples of 4.
override SHARD_FIRST: u32;
override SHARD_ROWS: u32;
// Pairs that read the same row of x: all those of a token, or one.
override PAIRS_PER_ROW: u32;
override OUT_STRIDE: u32;
override HAS_NORM: bool;
override EPS: f32;
// What an epilogue adds to n: the outputs of a pair begin with the expert's first row.
const FIRST_ROW: u32 = 0u;

@group(0) @binding(0) var<storage, read> tiles: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> weight: array<weight_t>;
@group(0) @binding(3) var<storage, read> scales: array<u32>;
@group(0) @binding(4) var<storage, read> norm_weight: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;

// m counts the places of all tiles; a place that its tile leaves empty repeats the tile's last pair.
fn rows_from(m: u32) -> u32 { return tile_size(m / ROWS); }
fn x_row(m: u32) -> u32 {
  let tile = m / ROWS;
  return tile_pair(tile, min(m % ROWS, tile_size(tile) - 1u)) / PAIRS_PER_ROW;
}

fn finish_row(m: u32, n: u32, sums: vec4f, squares: f32) {
  let tile = m / ROWS;
  let place = m % ROWS;
  if (place >= tile_size(tile)) {
    return;
  }
  var v = sums;
  if (HAS_NORM) {
    v *= inverseSqrt(squares / f32(COLUMNS) + EPS);
  }
  write_outputs(tile_pair(tile, place) * OUT_STRIDE, n, v);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let n = row_group(workgroup.x, lane) * 4u;
  let tile = workgroup.z * workgroups.y + workgroup.y;
  if (n >= NUM_ROWS || tile >= num_tiles()) {
    return;
  }
  // Rows before the shard wrap around to numbers beyond it.
  let row = tile_expert(tile) * NUM_ROWS + n - SHARD_FIRST;
  if (row >= SHARD_ROWS) {
    return;
  }
  let weight_rows = vec4u(row, row + 1u, row + 2u, row + 3u);
  let rows = row_starts(tile * ROWS);
  var s: Sums;
  for (var unit = first_unit(lane); unit < COLUMNS / UNIT_COLUMNS; unit += unit_step()) {
    multiply_unit(&s, rows, weight_rows, unit);
  }
  reduce_and_finish(tile * ROWS, n, lane, s);
}
