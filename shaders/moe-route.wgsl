// pairs[t * TOP_K + r] = the expert with the r-th largest logit of token t; shares = the softmax's of these.
// One thread per token and expert: it counts the experts that come before its own, so nothing is sorted.
// Grid: flat over numTokens * NUM_EXPERTS / WORKGROUP_SIZE.
override WORKGROUP_SIZE: u32 = 64;
override NUM_EXPERTS: u32;
override TOP_K: u32;

@group(0) @binding(0) var<storage, read> step: array<u32>;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
// The number of pairs, then the expert of each.
@group(0) @binding(2) var<storage, read_write> pairs: array<u32>;
@group(0) @binding(3) var<storage, read_write> shares: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = flat_workgroup(workgroup, workgroups) * WORKGROUP_SIZE + lane;
  let token = index / NUM_EXPERTS;
  if (token >= num_tokens()) {
    return;
  }
  if (index == 0u) {
    pairs[0] = num_tokens() * TOP_K;
  }
  let expert = index % NUM_EXPERTS;
  let row = token * NUM_EXPERTS;
  let own = logits[row + expert];
  var rank = 0u;
  for (var other = 0u; other < NUM_EXPERTS; other++) {
    let logit = logits[row + other];
    rank += u32(logit > own || (logit == own && other < expert));
  }
  if (rank >= TOP_K) {
    return;
  }
  var sum = 0.0;
  for (var other = 0u; other < NUM_EXPERTS; other++) {
    sum += exp(logits[row + other] - own);
  }
  let pair = token * TOP_K + rank;
  pairs[1u + pair] = expert;
  shares[pair] = 1.0 / sum;
}
