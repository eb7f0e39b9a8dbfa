// Log probabilities of the rows that ask for them, from the logits as the model gave them: of the
// token drawn (or of a given one), with its rank, and of others: of the ids that the row names, in
// their order, or else of the most likely ones, best first, the lower id first among equals.
//   logprob[id] = logit[id] - max(logit) - log(sum(exp(logit - max(logit))))
// A row of the result: logprob, rank, then (id, logprob) for each of the others; the id is NO_TOKEN
// where the vocabulary has no more.
// One workgroup a sample. Grid: [numSamples, 1, 1].
override WORKGROUP_SIZE: u32;
override VOCAB_SIZE: u32;
override MAX_LISTED: u32;

@group(0) @binding(0) var<storage, read> step: array<u32>;
@group(0) @binding(1) var<storage, read> logits: array<u32>;
@group(0) @binding(2) var<storage, read> sampled_tokens: array<u32>;
@group(0) @binding(3) var<storage, read_write> logprobs: array<u32>;

const DRAWN_TOKEN: u32 = 0xffffffffu;
const NO_TOKEN: u32 = 0xffffffffu;
const NEGATIVE_INFINITY: u32 = 0xff800000u;
// The units of a fixed mass.
const ONE: f32 = 1099511627776.0;

struct Normalizer {
  highest: f32,
  log_mass: f32,
}

// (mass low, mass high, how many keys reach the target's).
var<workgroup> sums: array<vec3u, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let sample = workgroup.x;
  // One for the token itself, then the others.
  let wanted = sample_word(sample, 9u);
  if (wanted == 0u) {
    return;
  }
  // Lane i has the ids i, i + WORKGROUP_SIZE, ... and knows the best of those not yet reported.
  var mine = best_after(sample, vec2u(0xffffffffu, 0u), lane, WORKGROUP_SIZE);
  var best = workgroup_best(mine, lane);
  let target_key = row_key(sample, target_token(sample));
  let total = row_sums(sample, key_value(best.x), target_key, lane);
  let normalizer = Normalizer(key_value(best.x), log(to_float(total.xy) / ONE));
  let row = sample * (2u + 2u * MAX_LISTED);
  if (lane == 0u) {
    logprobs[row] = logprob(target_key, normalizer);
    logprobs[row + 1u] = total.z;
  }
  let num_listed = min(wanted - 1u, MAX_LISTED);
  let named = sample_word(sample, 18u);
  if (named != 0u) {
    for (var place = lane; place < num_listed; place += WORKGROUP_SIZE) {
      let id = step[named + place];
      logprobs[row + 2u + 2u * place] = id;
      logprobs[row + 3u + 2u * place] = logprob(row_key(sample, id), normalizer);
    }
    return;
  }
  for (var place = 0u; place < num_listed; place++) {
    if (place > 0u) {
      // All lanes look for the next best of the lane that had the last one.
      let owner = best.y % WORKGROUP_SIZE;
      let first = owner + lane * WORKGROUP_SIZE;
      let next = best_after(sample, best, first, WORKGROUP_SIZE * WORKGROUP_SIZE);
      let next_of_owner = workgroup_best(next, lane);
      mine = select(mine, next_of_owner, lane == owner);
      best = workgroup_best(mine, lane);
    }
    if (lane == 0u) {
      logprobs[row + 2u + 2u * place] = best.y;
      logprobs[row + 3u + 2u * place] = logprob(best.x, normalizer);
    }
  }
}

fn target_token(sample: u32) -> u32 {
  let given = sample_word(sample, 10u);
  if (given == DRAWN_TOKEN) {
    return sampled_tokens[sample];
  }
  return given;
}

fn row_key(sample: u32, id: u32) -> u32 {
  return order_key(logits[sample * VOCAB_SIZE + id]);
}

// The first (key, id) that comes after `previous` among every `stride`th id, (0, NO_TOKEN) if none.
fn best_after(sample: u32, previous: vec2u, first: u32, stride: u32) -> vec2u {
  var best = vec2u(0u, NO_TOKEN);
  for (var id = first; id < VOCAB_SIZE; id += stride) {
    let key = row_key(sample, id);
    if (key < previous.x || (key == previous.x && id > previous.y)) {
      best = better(best, vec2u(key, id));
    }
  }
  return best;
}

fn row_sums(sample: u32, highest: f32, target_key: u32, lane: u32) -> vec3u {
  var mass = vec2u();
  var rank = 0u;
  for (var id = lane; id < VOCAB_SIZE; id += WORKGROUP_SIZE) {
    let key = row_key(sample, id);
    rank += select(0u, 1u, key >= target_key);
    if (!is_excluded(key)) {
      mass = add64(mass, fixed_mass(exp(key_value(key) - highest)));
    }
  }
  sums[lane] = vec3u(mass, rank);
  for (var stride = WORKGROUP_SIZE / 2u; stride > 0u; stride /= 2u) {
    workgroupBarrier();
    if (lane < stride) {
      let other = sums[lane + stride];
      sums[lane] = vec3u(add64(sums[lane].xy, other.xy), sums[lane].z + other.z);
    }
  }
  return workgroupUniformLoad(&sums[0]);
}

// As bits, since WGSL has no infinite constant.
fn logprob(key: u32, normalizer: Normalizer) -> u32 {
  if (is_excluded(key)) {
    return NEGATIVE_INFINITY;
  }
  return bitcast<u32>(key_value(key) - normalizer.highest - normalizer.log_mass);
}
