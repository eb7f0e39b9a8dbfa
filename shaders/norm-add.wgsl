// out[t, :] += SCALE * x[t, :] / sqrt(mean(x[t, :]^2) + EPS) * weight: a norm at the end of a block.
// One group of threads per token. Grid: [numTokens, 1, 1].
override WORKGROUP_SIZE: u32 = 64;
override HIDDEN_SIZE: u32;
override EPS: f32;
override SCALE: f32;

@group(0) @binding(0) var<storage, read> step: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  lane: Lane,
) {
  let token = flat_workgroup(workgroup, workgroups);
  let row = min(token, num_tokens() - 1u) * HIDDEN_SIZE;
  var squares = 0.0;
  for (var k = lane.index; k < HIDDEN_SIZE; k += WORKGROUP_SIZE) {
    squares += x[row + k] * x[row + k];
  }
  let scale = SCALE * inverseSqrt(group_sum(squares, lane) / f32(HIDDEN_SIZE) + EPS);
  if (token >= num_tokens()) {
    return;
  }
  for (var k = lane.index; k < HIDDEN_SIZE; k += WORKGROUP_SIZE) {
    out[row + k] += x[row + k] * scale * weight[k];
  }
}
