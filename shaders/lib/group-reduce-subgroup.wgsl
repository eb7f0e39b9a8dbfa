// A group is the whole workgroup, whatever the size of its subgroups; call in uniform control flow.
// Which threads form a subgroup is left to the adapter: a place in it is counted, not derived.
struct Lane {
  @builtin(local_invocation_index) index: u32,
}

// One place a thread: a subgroup uses that of its first lane, the others are zero.
var<workgroup> group_values: array<f32, WORKGROUP_SIZE>;

fn group_sum(value: f32, lane: Lane) -> f32 {
  let place = subgroupExclusiveAdd(1u);
  let width = subgroupAdd(1u);
  group_values[lane.index] = select(0.0, subgroupAdd(value), place == 0u);
  workgroupBarrier();
  var others = 0.0;
  for (var at = place; at < WORKGROUP_SIZE; at += width) {
    others += group_values[at];
  }
  let sum = subgroupAdd(others);
  workgroupBarrier();
  return sum;
}
