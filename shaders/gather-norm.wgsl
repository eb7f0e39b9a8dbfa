// out[s, :] = x[t, :] / sqrt(mean(x[t, :]^2) + EPS) * weight, with t the row that sample s draws from,
// or s itself. One group of threads per row of out. Grid: [numSamples or numTokens, 1, 1].
override WORKGROUP_SIZE: u32 = 64;
override HIDDEN_SIZE: u32;
override EPS: f32;
override GATHERS: bool;

@group(0) @binding(0) var<storage, read> step: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup: vec3u, lane: Lane) {
  let sample = workgroup.x;
  var row = sample * HIDDEN_SIZE;
  if (GATHERS) {
    row = sample_word(sample, 0u) * HIDDEN_SIZE;
  }
  var squares = 0.0;
  for (var k = lane.index; k < HIDDEN_SIZE; k += WORKGROUP_SIZE) {
    squares += x[row + k] * x[row + k];
  }
  let scale = inverseSqrt(group_sum(squares, lane) / f32(HIDDEN_SIZE) + EPS);
  for (var k = lane.index; k < HIDDEN_SIZE; k += WORKGROUP_SIZE) {
    out[sample * HIDDEN_SIZE + k] = x[row + k] * weight[k] * scale;
  }
}
