// The highest (key, id) of a workgroup, a power of two of threads; the lowest id among equal keys.
var<workgroup> group_best: array<vec2u, WORKGROUP_SIZE>;

fn better(a: vec2u, b: vec2u) -> vec2u {
  return select(b, a, a.x > b.x || (a.x == b.x && a.y < b.y));
}

fn workgroup_best(best: vec2u, lane: u32) -> vec2u {
  group_best[lane] = best;
  for (var stride = WORKGROUP_SIZE / 2u; stride > 0u; stride /= 2u) {
    workgroupBarrier();
    if (lane < stride) {
      group_best[lane] = better(group_best[lane], group_best[lane + stride]);
    }
  }
  return workgroupUniformLoad(&group_best[0]);
}
