// x / sqrt(mean(x^2) + EPS) * weight, in place, over all heads of q together and over all of k (OLMo 2).
// One group of threads per (token, q or k). Grid: flat over 2 * numTokens.
override WORKGROUP_SIZE: u32 = 64;
override Q_SIZE: u32;
override K_SIZE: u32;
override ROW_SIZE: u32;
override EPS: f32;

@group(0) @binding(0) var<storage, read> step: array<u32>;
// The weights of q, then those of k.
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> qkv: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  lane: Lane,
) {
  let index = flat_workgroup(workgroup, workgroups);
  let token = min(index / 2u, num_tokens() - 1u);
  let is_key = index % 2u == 1u;
  let first = select(0u, Q_SIZE, is_key);
  let size = select(Q_SIZE, K_SIZE, is_key);
  let row = token * ROW_SIZE + first;
  var squares = 0.0;
  for (var i = lane.index; i < size; i += WORKGROUP_SIZE) {
    squares += qkv[row + i] * qkv[row + i];
  }
  let scale = inverseSqrt(group_sum(squares, lane) / f32(size) + EPS);
  if (index >= 2u * num_tokens()) {
    return;
  }
  for (var i = lane.index; i < size; i += WORKGROUP_SIZE) {
    qkv[row + i] *= scale * weight[first + i];
  }
}
