// The best (key, id) of each chunk of each row of logits: by logit for greedy and filtered rows, by
// noisy logit where temperature is the only knob, so that only the filters read the logits again.
// One workgroup a (chunk, sample). Grid: [ceil(VOCAB_SIZE / CHUNK), numSamples, 1].
override WORKGROUP_SIZE: u32;
override VOCAB_SIZE: u32;
override CHUNK: u32;

@group(0) @binding(0) var<storage, read> step: array<u32>;
@group(0) @binding(1) var<storage, read> logits: array<u32>;
@group(0) @binding(2) var<storage, read_write> partials: array<vec2u>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let sample = workgroup.y;
  let row = sample_row(sample);
  let end = min((workgroup.x + 1u) * CHUNK, VOCAB_SIZE);
  var best = vec2u(0u, 0xffffffffu);
  for (var id = workgroup.x * CHUNK + lane; id < end; id += WORKGROUP_SIZE) {
    var key = order_key(logits[sample * VOCAB_SIZE + id]);
    if (row.mode == MODE_PLAIN) {
      key = noisy_key(sample, id, key, row.temperature);
    }
    best = better(best, vec2u(key, id));
  }
  best = workgroup_best(best, lane);
  if (lane == 0u) {
    partials[sample * workgroups.x + workgroup.x] = best;
  }
}
