// A group is the whole workgroup, whatever the size of its subgroups; call in uniform control flow.
struct Lane {
  @builtin(local_invocation_index) index: u32,
  @builtin(subgroup_invocation_id) in_subgroup: u32,
  @builtin(subgroup_size) subgroup_size: u32,
}

// WebGPU's smallest subgroup has 4 lanes.
var<workgroup> group_values: array<f32, WORKGROUP_SIZE / 4u>;

fn group_sum(value: f32, lane: Lane) -> f32 {
  let of_subgroup = subgroupAdd(value);
  if (lane.in_subgroup == 0u) {
    group_values[lane.index / lane.subgroup_size] = of_subgroup;
  }
  workgroupBarrier();
  var sum = 0.0;
  for (var index = 0u; index * lane.subgroup_size < WORKGROUP_SIZE; index++) {
    sum += group_values[index];
  }
  workgroupBarrier();
  return sum;
}
