// out[m, n] = epilogue(sum over k of x[m, k] * norm[k] * W[n, k] / rms(x[m, :]) + bias[n])
// One row group = 4 weight rows times ROWS activations: a thread's or a workgroup's, as `reduce` says.
// Grid: x and z count workgroups over the weight rows, y the tiles of ROWS activations.
override WORKGROUP_SIZE: u32 = 16;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let n = row_group(workgroup.z * workgroups.x + workgroup.x, lane) * 4u;
  let m = workgroup.y * ROWS;
  if (n >= NUM_ROWS || m >= step[ROW_COUNT_WORD]) {
    return;
  }
  let weight_rows = min(vec4u(n, n + 1u, n + 2u, n + 3u), vec4u(NUM_ROWS - 1u));
  let rows = row_starts(m);
  var s: Sums;
  for (var unit = first_unit(lane); unit < COLUMNS / UNIT_COLUMNS; unit += unit_step()) {
    multiply_unit(&s, rows, weight_rows, unit);
  }
  reduce_and_finish(m, n, lane, s);
}
