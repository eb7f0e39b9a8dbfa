// Joins the splits of paged-attention-decode. One thread per 4 channels of a head.
// Grid: flat over numDecodeSequences * NUM_HEADS * HEAD_DIM / 4 / WORKGROUP_SIZE.
override WORKGROUP_SIZE: u32;
override NUM_HEADS: u32;
override HEAD_DIM: u32;

@group(0) @binding(0) var<storage, read> step: array<u32>;
@group(0) @binding(1) var<storage, read> partials: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>;

override HEAD_VECTORS = HEAD_DIM / 4u;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = flat_workgroup(workgroup, workgroups) * WORKGROUP_SIZE + lane;
  let unit = index / HEAD_VECTORS;
  if (unit >= num_decode_sequences() * NUM_HEADS) {
    return;
  }
  let channel = index % HEAD_VECTORS;
  // Records of a (sequence, head) lie together, one a split; each notes how many there are.
  let record = HEAD_VECTORS + 1u;
  let splits = u32(partials[HEAD_VECTORS].z);
  let first = unit * splits * record;
  var highest = partials[first + HEAD_VECTORS].x;
  for (var split = 1u; split < splits; split++) {
    highest = max(highest, partials[first + split * record + HEAD_VECTORS].x);
  }
  var sum = 0.0;
  var values = vec4f();
  for (var split = 0u; split < splits; split++) {
    let at = first + split * record;
    let softmax = partials[at + HEAD_VECTORS];
    let weight = exp(softmax.x - highest);
    sum += softmax.y * weight;
    values += partials[at + channel] * weight;
  }
  let sequence = unit / NUM_HEADS;
  let head = unit % NUM_HEADS;
  out[(query_start(sequence) * NUM_HEADS + head) * HEAD_VECTORS + channel] = values / sum;
}

