// out[t, :] += SCALE * sum over r of shares[t, r] * x[t * TOP_K + r, :], the shares of a token divided by
// their sum where HAS_SUM_OF_ONE. Experts are added in the order of their shares, whatever the batch.
// One thread per 4 columns of a token. Grid: flat over numTokens * HIDDEN_SIZE / 4 / WORKGROUP_SIZE.
override WORKGROUP_SIZE: u32 = 64;
override HIDDEN_SIZE: u32;
override TOP_K: u32;
override HAS_SUM_OF_ONE: bool;
override SCALE: f32;

@group(0) @binding(0) var<storage, read> step: array<u32>;
@group(0) @binding(1) var<storage, read> shares: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = flat_workgroup(workgroup, workgroups) * WORKGROUP_SIZE + lane;
  let width = HIDDEN_SIZE / 4u;
  let token = index / width;
  if (token >= num_tokens()) {
    return;
  }
  var sum = vec4f();
  var total = 0.0;
  for (var pair = token * TOP_K; pair < (token + 1u) * TOP_K; pair++) {
    sum += shares[pair] * x[pair * width + index % width];
    total += shares[pair];
  }
  out[index] += sum * (SCALE / select(1.0, total, HAS_SUM_OF_ONE));
}
