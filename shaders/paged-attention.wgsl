// Attention over the paged cache without barriers, for decode and prefill rows alike: a token attends
// to those keys of its sequence that lib/attention-score.wgsl lets it see. Softmax is online (Milakov
// and Gimelshein, arXiv:1805.02867). One thread per (token, head) walks the keys in order, four at a
// time from a multiple of four, so its result has the same bits whatever shares the batch and however
// the prompt was cut. Grid: flat over numTokens * NUM_HEADS / WORKGROUP_SIZE.
override WORKGROUP_SIZE: u32;
override NUM_HEADS: u32;
override NUM_KV_HEADS: u32;
override HEAD_DIM: u32;

@group(0) @binding(0) var<storage, read> step: array<u32>;
@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(2) var<storage, read> k_cache: array<Kv4>;
@group(0) @binding(3) var<storage, read> v_cache: array<Kv4>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = flat_workgroup(workgroup, workgroups) * WORKGROUP_SIZE + lane;
  let token = index / NUM_HEADS;
  if (token >= num_tokens()) {
    return;
  }
  let head = index % NUM_HEADS;
  let kv_head = head / (NUM_HEADS / NUM_KV_HEADS);
  let sequence = sequence_of(token);
  let position = position_of(token);
  // A bound that compilers cannot see: unrolled, the loops take software adapters long to compile.
  let vectors = min(HEAD_DIM / 4u, arrayLength(&qkv));
  let q = (token * (NUM_HEADS + 2u * NUM_KV_HEADS) + head) * (HEAD_DIM / 4u);
  let o = index * (HEAD_DIM / 4u);
  let visible = first_key(position);
  let final_key = last_key(position, context_length(sequence));
  let start = visible & ~3u;
  var highest = LOWEST;
  var sum = 0.0;
  for (var first = start; first <= final_key; first += 4u) {
    let base = page_row(block_of(sequence, first / BLOCK_SIZE), first % BLOCK_SIZE, kv_head);
    // Keys past the last are read as that one and weigh nothing: their slots may hold NaN.
    let keys = vec4u(0u, 1u, 2u, 3u);
    let last = vec4u(final_key - first);
    let rows = base + min(keys, last) * (HEAD_DIM / 4u);
    let scaled = scores_of(q, rows, vectors) * SCALE;
    let scores = select(
      vec4f(LOWEST),
      vec4f(capped(scaled.x), capped(scaled.y), capped(scaled.z), capped(scaled.w)),
      (keys <= last) & (keys + first >= vec4u(visible)),
    );
    let raised = max(max(highest, max(scores.x, scores.y)), max(scores.z, scores.w));
    let correction = exp(highest - raised);
    let weights = exp(scores - raised);
    highest = raised;
    sum = sum * correction + dot(weights, vec4f(1.0));
    for (var i = 0u; i < vectors; i++) {
      // `out` holds an earlier step before the first keys: it must not be multiplied by 0.
      let before = select(out[o + i] * correction, vec4f(), first == start);
      let at = rows + i;
      out[o + i] = before
        + weights.x * unpack_kv4(v_cache[at.x]) + weights.y * unpack_kv4(v_cache[at.y])
        + weights.z * unpack_kv4(v_cache[at.z]) + weights.w * unpack_kv4(v_cache[at.w]);
    }
  }
  for (var i = 0u; i < vectors; i++) {
    out[o + i] /= sum;
  }
}

fn scores_of(q: u32, rows: vec4u, vectors: u32) -> vec4f {
  var scores = vec4f();
  for (var i = 0u; i < vectors; i++) {
    let channels = qkv[q + i];
    scores += vec4f(
      dot(channels, unpack_kv4(k_cache[rows.x + i])),
      dot(channels, unpack_kv4(k_cache[rows.y + i])),
      dot(channels, unpack_kv4(k_cache[rows.z + i])),
      dot(channels, unpack_kv4(k_cache[rows.w + i])),
    );
  }
  return scores;
}
