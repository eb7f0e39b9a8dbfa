// The highest (key, id) of a workgroup; the lowest id among equal keys. Two atomics instead of a
// tree: fewer barriers, and a CPU adapter has no levels to unroll, which took it seconds.
var<workgroup> highest_key: atomic<u32>;
var<workgroup> lowest_id: atomic<u32>;
var<workgroup> group_best: vec2u;

fn better(a: vec2u, b: vec2u) -> vec2u {
  return select(b, a, a.x > b.x || (a.x == b.x && a.y < b.y));
}

// Call in uniform control flow.
fn workgroup_best(best: vec2u, lane: u32) -> vec2u {
  if (lane == 0u) {
    atomicStore(&highest_key, 0u);
    atomicStore(&lowest_id, 0xffffffffu);
  }
  workgroupBarrier();
  atomicMax(&highest_key, best.x);
  workgroupBarrier();
  let key = atomicLoad(&highest_key);
  if (best.x == key) {
    atomicMin(&lowest_id, best.y);
  }
  workgroupBarrier();
  if (lane == 0u) {
    group_best = vec2u(key, atomicLoad(&lowest_id));
  }
  return workgroupUniformLoad(&group_best);
}
