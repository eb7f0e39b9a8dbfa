// out[t, :] = SCALE * table[token_id(t), :], dequantised. Token ids may come from last_tokens.
// One thread per group of 4 channels. Grid: flat over numTokens * HIDDEN_SIZE / 4 / WORKGROUP_SIZE.
override WORKGROUP_SIZE: u32 = 64;
override HIDDEN_SIZE: u32;
// Rows [FIRST_ROW, FIRST_ROW + NUM_ROWS) of the vocabulary lie in this shard.
override FIRST_ROW: u32;
override NUM_ROWS: u32;
override SCALE: f32;

@group(0) @binding(0) var<storage, read> step: array<u32>;
@group(0) @binding(1) var<storage, read> last_tokens: array<u32>;
@group(0) @binding(2) var<storage, read> weight: array<u32>;
@group(0) @binding(3) var<storage, read> scales: array<u32>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = flat_workgroup(workgroup, workgroups) * WORKGROUP_SIZE + lane;
  let groups = HIDDEN_SIZE / 4u;
  let token = index / groups;
  if (token >= num_tokens()) {
    return;
  }
  var id = token_id(token);
  if ((id & FROM_SLOT) != 0u) {
    id = last_tokens[id & ~FROM_SLOT];
  }
  if (id < FIRST_ROW || id >= FIRST_ROW + NUM_ROWS) {
    return;
  }
  out[index] = SCALE * dequantize4(id - FIRST_ROW, (index % groups) * 4u, HIDDEN_SIZE);
}
