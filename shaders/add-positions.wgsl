// out[t, :] += table[position(t), :]: learned positions. Those past the table's end take its last row, so
// that a table of one row is added to all.
// One thread per group of 4 channels. Grid: flat over numTokens * HIDDEN_SIZE / 4 / WORKGROUP_SIZE.
override WORKGROUP_SIZE: u32 = 64;
override HIDDEN_SIZE: u32;

@group(0) @binding(0) var<storage, read> step: array<u32>;
@group(0) @binding(1) var<storage, read> table: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>;

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
  let row = min(position_of(token), arrayLength(&table) / groups - 1u);
  out[index] += table[row * groups + index % groups];
}
