// Copies the rows of logits and changes what their requests ask for, in vLLM's order: ids outside
// the mask are ruled out, biases added, then tokens that the sequence has are penalised. What a row
// leaves alone is copied bit for bit, so a draw does not depend on the other rows of the step.
// One workgroup a (chunk, sample). Grid: [ceil(VOCAB_SIZE / CHUNK), numSamples, 1].
override WORKGROUP_SIZE: u32;
override VOCAB_SIZE: u32;
override CHUNK: u32;

@group(0) @binding(0) var<storage, read> step: array<u32>;
@group(0) @binding(1) var<storage, read> last_tokens: array<u32>;
@group(0) @binding(2) var<storage, read> logits: array<u32>;
@group(0) @binding(3) var<storage, read_write> adjusted: array<u32>;

const ADJUSTMENT_WORDS: u32 = 3u;
const COUNT_BITS: u32 = 0x7fffffffu;
const NEGATIVE_INFINITY: u32 = 0xff800000u;
const NO_TOKEN: u32 = 0xffffffffu;

struct Penalties {
  repetition: f32,
  presence: f32,
  frequency: f32,
}

var<workgroup> is_pending_listed: atomic<u32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let sample = workgroup.y;
  let first = workgroup.x * CHUNK;
  let end = min(first + CHUNK, VOCAB_SIZE);
  for (var id = first + lane; id < end; id += WORKGROUP_SIZE) {
    adjusted[sample * VOCAB_SIZE + id] = masked_logit(sample, id);
  }
  // The rest overwrites words that other lanes have just written.
  storageBarrier();
  let penalties = Penalties(
    bitcast<f32>(sample_word(sample, 14u)),
    bitcast<f32>(sample_word(sample, 15u)),
    bitcast<f32>(sample_word(sample, 16u)),
  );
  let pending = pending_token(sample);
  let adjustments = sample_word(sample, 11u);
  let num_adjustments = sample_word(sample, 12u);
  for (var i = lane; i < num_adjustments; i += WORKGROUP_SIZE) {
    let at = adjustments + i * ADJUSTMENT_WORDS;
    let id = step[at];
    if (id >= first && id < end) {
      var occurrences = step[at + 2u];
      if (id == pending) {
        occurrences++;
        atomicStore(&is_pending_listed, 1u);
      }
      let logit = masked_logit(sample, id);
      adjusted[sample * VOCAB_SIZE + id] = adjust(logit, step[at + 1u], occurrences, penalties);
    }
  }
  workgroupBarrier();
  if (lane == 0u && pending >= first && pending < end && atomicLoad(&is_pending_listed) == 0u) {
    let logit = masked_logit(sample, pending);
    adjusted[sample * VOCAB_SIZE + pending] = adjust(logit, 0u, 1u, penalties);
  }
}

// The token that the step before drew, where the host did not know it in time to count it.
fn pending_token(sample: u32) -> u32 {
  let slot = sample_word(sample, 1u);
  if (sample_word(sample, 17u) == 0u || slot == NO_SLOT) {
    return NO_TOKEN;
  }
  return last_tokens[slot];
}

fn masked_logit(sample: u32, id: u32) -> u32 {
  let mask = sample_word(sample, 13u);
  if (mask != 0u && (step[mask + (id >> 5u)] & (1u << (id & 31u))) == 0u) {
    return NEGATIVE_INFINITY;
  }
  return logits[sample * VOCAB_SIZE + id];
}

fn is_finite(bits: u32) -> bool {
  return (bits & 0x7f800000u) != 0x7f800000u;
}

// NaN and infinities pass as they are, since WGSL promises nothing of arithmetic on them; and so
// does a logit under a penalty that is off, since a division by 1 may round.
fn adjust(bits: u32, bias: u32, occurrences: u32, penalties: Penalties) -> u32 {
  if (!is_finite(bias)) {
    return bias;
  }
  if (!is_finite(bits)) {
    return bits;
  }
  var logit = bitcast<f32>(bits) + bitcast<f32>(bias);
  if (occurrences != 0u && penalties.repetition != 1.0) {
    logit = select(logit * penalties.repetition, logit / penalties.repetition, logit > 0.0);
  }
  let count = occurrences & COUNT_BITS;
  if (count > 0u) {
    logit -= penalties.frequency * f32(count);
    logit -= penalties.presence;
  }
  return bitcast<u32>(logit);
}
