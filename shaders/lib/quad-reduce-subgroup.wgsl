// A quad is four neighbouring threads of the workgroup. WebGPU's smallest subgroup has 4 lanes and
// every size is a power of two, so a quad never straddles two subgroups.
struct Lane {
  @builtin(local_invocation_index) index: u32,
}

fn quad_sum(value: f32, lane: Lane) -> f32 {
  let pair = value + subgroupShuffleXor(value, 1u);
  return pair + subgroupShuffleXor(pair, 2u);
}

fn quad_max(value: f32, lane: Lane) -> f32 {
  let pair = max(value, subgroupShuffleXor(value, 1u));
  return max(pair, subgroupShuffleXor(pair, 2u));
}
