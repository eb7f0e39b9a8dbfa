// out[m, :] = (v - mean(v)) / sqrt(mean((v - mean(v))^2) + EPS) * weight + bias, where v is x[m, :], or
// the row that sample m draws from, plus add[m, :].
// One group of threads per row. Grid: flat over the rows.
override WORKGROUP_SIZE: u32 = 64;
// Every step's number of rows stands in the step header at this word.
override ROW_COUNT_WORD: u32;
override WIDTH: u32;
override EPS: f32;
override HAS_ADD: bool;
override HAS_BIAS: bool;
// x is what `out` holds: WebGPU binds no buffer as both, so another stands in for x.
override IN_PLACE: bool;
// Row m of x is the one that sample m draws from.
override GATHERS: bool;

@group(0) @binding(0) var<storage, read> step: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> add: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;

fn source_row(m: u32) -> u32 {
  if (GATHERS) {
    return sample_word(m, 0u);
  }
  return m;
}

// Channel k of the row that starts at `source` in x and at `dest` in everything else.
fn value_at(source: u32, dest: u32, k: u32) -> f32 {
  var value: f32;
  if (IN_PLACE) {
    value = out[dest + k];
  } else {
    value = x[source + k];
  }
  if (HAS_ADD) {
    value += add[dest + k];
  }
  return value;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  lane: Lane,
) {
  let index = flat_workgroup(workgroup, workgroups);
  let num_rows = step[ROW_COUNT_WORD];
  // Groups past the end stay for the barriers of group_sum.
  let m = min(index, num_rows - 1u);
  let source = source_row(m) * WIDTH;
  let dest = m * WIDTH;
  var sum = 0.0;
  for (var k = lane.index; k < WIDTH; k += WORKGROUP_SIZE) {
    sum += value_at(source, dest, k);
  }
  let mean = group_sum(sum, lane) / f32(WIDTH);
  var squares = 0.0;
  for (var k = lane.index; k < WIDTH; k += WORKGROUP_SIZE) {
    let deviation = value_at(source, dest, k) - mean;
    squares += deviation * deviation;
  }
  let scale = inverseSqrt(group_sum(squares, lane) / f32(WIDTH) + EPS);
  if (index >= num_rows) {
    return;
  }
  for (var k = lane.index; k < WIDTH; k += WORKGROUP_SIZE) {
    var normed = (value_at(source, dest, k) - mean) * scale * weight[k];
    if (HAS_BIAS) {
      normed += bias[k];
    }
    out[dest + k] = normed;
  }
}
