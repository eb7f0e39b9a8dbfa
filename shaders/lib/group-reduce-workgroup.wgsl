// A group is the whole workgroup, a power of two of threads; call in uniform control flow.
struct Lane {
  @builtin(local_invocation_index) index: u32,
}

var<workgroup> group_values: array<f32, WORKGROUP_SIZE>;

fn group_sum(value: f32, lane: Lane) -> f32 {
  group_values[lane.index] = value;
  for (var stride = WORKGROUP_SIZE / 2u; stride > 0u; stride /= 2u) {
    workgroupBarrier();
    if (lane.index < stride) {
      group_values[lane.index] += group_values[lane.index + stride];
    }
  }
  return workgroupUniformLoad(&group_values[0]);
}
