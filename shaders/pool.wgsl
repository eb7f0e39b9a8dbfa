// out[s, :] = the mean of the rows of sequence s, or its first row, or its last.
// ROW_LANES threads share the rows of 16 vectors of channels. Grid: [ceil(WIDTH / 64), numSequences, 1].
override WIDTH: u32;
override ROW_LANES: u32;
// 0 for the mean, 1 for the first row, 2 for the last.
override POOLING: u32;

const VECTORS: u32 = 16u;

@group(0) @binding(0) var<storage, read> step: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>;

var<workgroup> sums: array<vec4f, VECTORS * ROW_LANES>;

@compute @workgroup_size(VECTORS, ROW_LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_id) lane: vec3u,
) {
  let sequence = workgroup.y;
  let vectors = WIDTH / 4u;
  let vector = workgroup.x * VECTORS + lane.x;
  var first = query_start(sequence);
  var end = query_start(sequence + 1u);
  if (POOLING == 1u) {
    end = first + 1u;
  }
  if (POOLING == 2u) {
    first = end - 1u;
  }
  var sum = vec4f();
  if (vector < vectors) {
    for (var row = first + lane.y; row < end; row += ROW_LANES) {
      sum += x[row * vectors + vector];
    }
  }
  sums[lane.y * VECTORS + lane.x] = sum;
  workgroupBarrier();
  if (lane.y > 0u || vector >= vectors) {
    return;
  }
  for (var other = 1u; other < ROW_LANES; other++) {
    sum += sums[other * VECTORS + lane.x];
  }
  out[sequence * vectors + vector] = sum / f32(end - first);
}
