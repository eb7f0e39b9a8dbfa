// A quad is four neighbouring threads of the workgroup; call in uniform control flow.
struct Lane {
  @builtin(local_invocation_index) index: u32,
}

var<workgroup> quad_values: array<f32, WORKGROUP_SIZE>;

fn quad_sum(value: f32, lane: Lane) -> f32 {
  quad_values[lane.index] = value;
  workgroupBarrier();
  let first = lane.index & ~3u;
  let sum = (quad_values[first] + quad_values[first + 1u])
    + (quad_values[first + 2u] + quad_values[first + 3u]);
  workgroupBarrier();
  return sum;
}

fn quad_max(value: f32, lane: Lane) -> f32 {
  quad_values[lane.index] = value;
  workgroupBarrier();
  let first = lane.index & ~3u;
  let highest = max(
    max(quad_values[first], quad_values[first + 1u]),
    max(quad_values[first + 2u], quad_values[first + 3u]));
  workgroupBarrier();
  return highest;
}
