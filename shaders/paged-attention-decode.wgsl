// Attention of the decode sequences, whose only row is their last token (flash decoding). One
// workgroup a (sequence, GROUP_HEADS query heads of one kv head, split of the keys), so the heads of
// a group share each read of K and V. With one split `out` is final; with more, each split leaves
// (acc, highest, sum, number of splits) in `partials` for paged-attention-reduce.
// Grid: [numDecodeSequences, NUM_HEADS / GROUP_HEADS, splits].
override WORKGROUP_SIZE: u32;
override NUM_HEADS: u32;
override NUM_KV_HEADS: u32;
override HEAD_DIM: u32;
// Divides NUM_HEADS / NUM_KV_HEADS; at most WORKGROUP_SIZE / 4.
override GROUP_HEADS: u32;

@group(0) @binding(0) var<storage, read> step: array<u32>;
@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(2) var<storage, read> k_cache: array<Kv4>;
@group(0) @binding(3) var<storage, read> v_cache: array<Kv4>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> partials: array<vec4f>;

// Four threads a key.
override TILE = WORKGROUP_SIZE / 4u;
override HEAD_VECTORS = HEAD_DIM / 4u;
override GROUP_VECTORS = GROUP_HEADS * HEAD_DIM / 4u;

var<workgroup> queries: array<vec4f, GROUP_VECTORS>;
var<workgroup> sums: array<vec4f, GROUP_VECTORS>;
var<workgroup> weights: array<f32, GROUP_HEADS * TILE>;
var<workgroup> rows: array<u32, TILE>;
// (highest score, sum of weights, correction of this tile, unused) of each head.
var<workgroup> softmax: array<vec4f, GROUP_HEADS>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  lane: Lane,
) {
  let sequence = workgroup.x;
  let first_head = workgroup.y * GROUP_HEADS;
  let kv_head = first_head / (NUM_HEADS / NUM_KV_HEADS);
  let token = query_start(sequence);
  let num_keys = position_of(token) + 1u;
  let q = (token * (NUM_HEADS + 2u * NUM_KV_HEADS) + first_head) * HEAD_VECTORS;
  for (var i = lane.index; i < GROUP_VECTORS; i += WORKGROUP_SIZE) {
    queries[i] = qkv[q + i] * SCALE;
    sums[i] = vec4f();
  }
  for (var head = lane.index; head < GROUP_HEADS; head += WORKGROUP_SIZE) {
    softmax[head] = vec4f(LOWEST, 0.0, 0.0, 0.0);
  }
  let visible = first_key(num_keys - 1u);
  let start = visible / TILE * TILE;
  let tiles = (num_keys - start + TILE - 1u) / TILE;
  let tiles_per_split = (tiles + workgroups.z - 1u) / workgroups.z;
  let split_keys = tiles_per_split * TILE;
  let end = min(num_keys, start + (workgroup.z + 1u) * split_keys);
  for (var first = start + workgroup.z * split_keys; first < end; first += TILE) {
    let count = min(TILE, end - first);
    workgroupBarrier();
    if (lane.index < count) {
      let key = first + lane.index;
      rows[lane.index] = page_row(block_of(sequence, key / BLOCK_SIZE), key % BLOCK_SIZE, kv_head);
    }
    workgroupBarrier();
    score_tile(count, max(visible, first) - first, lane);
    workgroupBarrier();
    weigh_tile(lane);
    workgroupBarrier();
    sum_tile(count, lane);
  }
  workgroupBarrier();
  if (workgroups.z == 1u) {
    let o = (token * NUM_HEADS + first_head) * HEAD_VECTORS;
    for (var i = lane.index; i < GROUP_VECTORS; i += WORKGROUP_SIZE) {
      out[o + i] = sums[i] / softmax[i / HEAD_VECTORS].y;
    }
    return;
  }
  for (var i = lane.index; i < GROUP_VECTORS; i += WORKGROUP_SIZE) {
    let head = i / HEAD_VECTORS;
    let record = ((sequence * NUM_HEADS + first_head + head) * workgroups.z + workgroup.z)
      * (HEAD_VECTORS + 1u);
    partials[record + i % HEAD_VECTORS] = sums[i];
    if (i % HEAD_VECTORS == 0u) {
      partials[record + HEAD_VECTORS] =
        vec4f(softmax[head].xy, f32(workgroups.z), 0.0);
    }
  }
}

// Each quad takes a key, each of its threads every fourth vector of the channels. Keys of the tile
// count from `visible` to `count`.
fn score_tile(count: u32, visible: u32, lane: Lane) {
  let key = lane.index / 4u;
  let row = rows[min(key, count - 1u)];
  for (var head = 0u; head < GROUP_HEADS; head++) {
    var partial = 0.0;
    for (var i = lane.index % 4u; i < HEAD_VECTORS; i += 4u) {
      partial += dot(queries[head * HEAD_VECTORS + i], unpack_kv4(k_cache[row + i]));
    }
    let score = quad_sum(partial, lane);
    if (lane.index % 4u == 0u) {
      weights[head * TILE + key] = select(LOWEST, capped(score), key < count && key >= visible);
    }
  }
}

// Each quad takes a head: scores become weights, relative to the highest score so far.
fn weigh_tile(lane: Lane) {
  let has_head = lane.index / 4u < GROUP_HEADS;
  let head = min(lane.index / 4u, GROUP_HEADS - 1u);
  let base = head * TILE;
  let before = softmax[head];
  var top = before.x;
  for (var key = lane.index % 4u; has_head && key < TILE; key += 4u) {
    top = max(top, weights[base + key]);
  }
  let highest = quad_max(top, lane);
  var sum = 0.0;
  for (var key = lane.index % 4u; has_head && key < TILE; key += 4u) {
    let weight = exp(weights[base + key] - highest);
    weights[base + key] = weight;
    sum += weight;
  }
  let total = quad_sum(sum, lane);
  // A barrier, because idle quads have read the last head's `before`.
  workgroupBarrier();
  if (has_head && lane.index % 4u == 0u) {
    let correction = exp(before.x - highest);
    softmax[head] = vec4f(highest, before.y * correction + total, correction, 0.0);
  }
}

fn sum_tile(count: u32, lane: Lane) {
  for (var i = lane.index; i < GROUP_VECTORS; i += WORKGROUP_SIZE) {
    let head = i / HEAD_VECTORS;
    let channel = i % HEAD_VECTORS;
    var sum = sums[i] * softmax[head].z;
    for (var key = 0u; key < count; key++) {
      sum += weights[head * TILE + key] * unpack_kv4(v_cache[rows[key] + channel]);
    }
    sums[i] = sum;
  }
}
