// For each token and each head of qkv: q = rope(norm(q)) in place, k = rope(norm(k)) and v into
// the token's cache slot. The norm is Qwen3's RMSNorm of each head; RoPE rotates the first
// ROTARY_DIM channels, channel i with channel i + ROTARY_DIM / 2 (GPT-NeoX's pairing).
// LANES threads a head, WORKGROUP_SIZE / LANES heads a workgroup (see group-reduce-*.wgsl).
// Grid: flat over numTokens * (NUM_HEADS + 2 * NUM_KV_HEADS) * LANES / WORKGROUP_SIZE.
override WORKGROUP_SIZE: u32;
override LANES: u32;
override NUM_HEADS: u32;
override NUM_KV_HEADS: u32;
override HEAD_DIM: u32;
override ROTARY_DIM: u32;
override HAS_QK_NORM: bool;
override EPS: f32;
// Queries of position p are multiplied by 1 + QUERY_BETA * ln(1 + floor(p / QUERY_LENGTH)).
override QUERY_BETA: f32;
override QUERY_LENGTH: u32;

@group(0) @binding(0) var<storage, read> step: array<u32>;
// (cos, sin) of ROTARY_DIM / 2 angles a position, two angles a vector.
@group(0) @binding(1) var<storage, read> rope: array<vec4f>;
@group(0) @binding(2) var<storage, read> q_norm: array<vec4f>;
@group(0) @binding(3) var<storage, read> k_norm: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> qkv: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> k_cache: array<Kv4>;
@group(0) @binding(6) var<storage, read_write> v_cache: array<Kv4>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  lane: Lane,
) {
  let heads = NUM_HEADS + 2u * NUM_KV_HEADS;
  let units = num_tokens() * heads;
  let unit = flat_workgroup(workgroup, workgroups) * (WORKGROUP_SIZE / LANES) + lane.index / LANES;
  let first = lane.index % LANES;
  // Threads past the end stay for the barriers of group_sum.
  let safe_unit = min(unit, units - 1u);
  let base = safe_unit * (HEAD_DIM / 4u);
  // A bound that compilers cannot see: unrolled, the loops take software adapters long to compile.
  let vectors = min(HEAD_DIM / 4u, arrayLength(&qkv));
  var scale = 1.0;
  if (HAS_QK_NORM) {
    var squares = 0.0;
    for (var i = first; i < vectors; i += LANES) {
      let x = qkv[base + i];
      squares += dot(x, x);
    }
    scale = inverseSqrt(group_sum(squares, lane) / f32(HEAD_DIM) + EPS);
  }
  if (unit >= units) {
    return;
  }
  let token = unit / heads;
  let head = unit % heads;
  let slot = slot_of(token);
  if (head >= NUM_HEADS + NUM_KV_HEADS) {
    let row = page_row(slot / BLOCK_SIZE, slot % BLOCK_SIZE, head - NUM_HEADS - NUM_KV_HEADS);
    for (var i = first; i < vectors; i += LANES) {
      v_cache[row + i] = pack_kv4(qkv[base + i]);
    }
    return;
  }
  let half = ROTARY_DIM / 8u;
  let is_query = head < NUM_HEADS;
  let position = position_of(token);
  var factor = 1.0;
  if (is_query && QUERY_BETA != 0.0) {
    factor += QUERY_BETA * log(f32(1u + position / QUERY_LENGTH));
  }
  for (var i = first + 2u * half; i < vectors; i += LANES) {
    store_channels(base, head, slot, i, factor * normed(base, i, is_query, scale));
  }
  for (var i = first; i < min(half, vectors); i += LANES) {
    let angles = (position * half + i) * 2u;
    let a = rope[angles];
    let b = rope[angles + 1u];
    let cosine = vec4f(a.xz, b.xz);
    let sine = vec4f(a.yw, b.yw);
    let x = factor * normed(base, i, is_query, scale);
    let y = factor * normed(base, i + half, is_query, scale);
    store_channels(base, head, slot, i, x * cosine - y * sine);
    store_channels(base, head, slot, i + half, y * cosine + x * sine);
  }
}

fn normed(base: u32, i: u32, is_query: bool, scale: f32) -> vec4f {
  let x = qkv[base + i];
  if (!HAS_QK_NORM) {
    return x;
  }
  if (is_query) {
    return x * scale * q_norm[i];
  }
  return x * scale * k_norm[i];
}

fn store_channels(base: u32, head: u32, slot: u32, i: u32, values: vec4f) {
  if (head < NUM_HEADS) {
    qkv[base + i] = values;
  } else {
    k_cache[page_row(slot / BLOCK_SIZE, slot % BLOCK_SIZE, head - NUM_HEADS) + i] = pack_kv4(values);
  }
}
