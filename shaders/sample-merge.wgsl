// Chooses the token of each sample. Greedy rows and rows with temperature alone take the best of
// the partials. The others are cut first, in vLLM's order: min-p, then top-k, then top-p over the
// softmax of what top-k left. Each cut is a threshold on the logit, found exactly by radix selection
// (4 digits of 8 bits) over order-keeping keys, without a sort; tokens equal to the threshold stay.
// Masses are fixed point, so sums have no order and every workgroup size gives the same token.
// One workgroup a sample. Grid: [numSamples, 1, 1].
override WORKGROUP_SIZE: u32;
override VOCAB_SIZE: u32;
override NUM_CHUNKS: u32;

@group(0) @binding(0) var<storage, read> step: array<u32>;
@group(0) @binding(1) var<storage, read> logits: array<u32>;
@group(0) @binding(2) var<storage, read> partials: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> sampled_tokens: array<u32>;
@group(0) @binding(4) var<storage, read_write> last_tokens: array<u32>;

const BINS: u32 = 256u;

struct Bin {
  low: atomic<u32>,
  high: atomic<u32>,
}

var<workgroup> bins: array<Bin, BINS>;

struct Selection {
  // Digits chosen so far, in place.
  prefix: u32,
  // What lies in the bins above, and what the threshold must reach.
  above: vec2u,
  target_mass: f32,
}

var<workgroup> selection: Selection;

struct Cut {
  // Keys below this one are out already.
  lowest_key: u32,
  highest: f32,
  temperature: f32,
  // Count keys, or else sum their probabilities (relative to the highest).
  by_count: bool,
  // How much of the whole (or how many keys) to keep.
  share: f32,
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let sample = workgroup.x;
  let row = sample_row(sample);
  var best = vec2u(0u, 0xffffffffu);
  for (var chunk = lane; chunk < NUM_CHUNKS; chunk += WORKGROUP_SIZE) {
    best = better(best, partials[sample * NUM_CHUNKS + chunk]);
  }
  best = workgroup_best(best, lane);
  // A row of nothing but NaN and -Infinity has nothing to draw from: its best is the answer.
  if (row.mode == MODE_FILTERED && !is_excluded(best.x)) {
    let lowest_key = threshold_key(sample, row, best.x, lane);
    best = vec2u(0u, 0xffffffffu);
    for (var id = lane; id < VOCAB_SIZE; id += WORKGROUP_SIZE) {
      let key = order_key(logits[sample * VOCAB_SIZE + id]);
      if (key >= lowest_key) {
        best = better(best, vec2u(noisy_key(sample, id, key, row.temperature), id));
      }
    }
    best = workgroup_best(best, lane);
  }
  if (lane == 0u) {
    sampled_tokens[sample] = best.y;
    let slot = sample_word(sample, 1u);
    if (slot != NO_SLOT) {
      last_tokens[slot] = best.y;
    }
  }
}

fn threshold_key(sample: u32, row: SampleRow, highest_key: u32, lane: u32) -> u32 {
  var cut = Cut(0x00800000u, key_value(highest_key), row.temperature, true, f32(row.top_k));
  if (row.min_p > 0.0) {
    let floor = cut.highest + row.temperature * log(min(row.min_p, 1.0));
    cut.lowest_key = max(cut.lowest_key, order_key(bitcast<u32>(floor)));
  }
  if (row.top_k < VOCAB_SIZE) {
    cut.lowest_key = max(cut.lowest_key, select_key(sample, cut, lane));
  }
  if (row.top_p < 1.0) {
    cut.by_count = false;
    cut.share = max(row.top_p, 0.0);
    cut.lowest_key = max(cut.lowest_key, select_key(sample, cut, lane));
  }
  // The most likely token always stays.
  return min(cut.lowest_key, highest_key);
}

// The highest key such that the keys from it upwards reach the wanted count or mass.
fn select_key(sample: u32, cut: Cut, lane: u32) -> u32 {
  if (lane == 0u) {
    selection = Selection(0u, vec2u(), cut.share);
  }
  for (var shift = 24i; shift >= 0i; shift -= 8i) {
    workgroupBarrier();
    for (var bin = lane; bin < BINS; bin += WORKGROUP_SIZE) {
      atomicStore(&bins[bin].low, 0u);
      atomicStore(&bins[bin].high, 0u);
    }
    let prefix = workgroupUniformLoad(&selection).prefix;
    for (var id = lane; id < VOCAB_SIZE; id += WORKGROUP_SIZE) {
      let key = order_key(logits[sample * VOCAB_SIZE + id]);
      // Shifting by 32 is undefined, hence the two steps.
      if (key >= cut.lowest_key && ((key ^ prefix) >> u32(shift)) >> 8u == 0u) {
        add_to_bin((key >> u32(shift)) & 0xffu, mass_of(key, cut));
      }
    }
    workgroupBarrier();
    if (lane == 0u) {
      descend(u32(shift), cut);
    }
  }
  return workgroupUniformLoad(&selection).prefix;
}

// A count, or exp((logit - highest) / temperature) as a fixed mass.
fn mass_of(key: u32, cut: Cut) -> vec2u {
  if (cut.by_count) {
    return vec2u(1u, 0u);
  }
  return fixed_mass(exp((key_value(key) - cut.highest) / cut.temperature));
}

fn add_to_bin(bin: u32, mass: vec2u) {
  let before = atomicAdd(&bins[bin].low, mass.x);
  let high = mass.y + select(0u, 1u, before > 0xffffffffu - mass.x);
  if (high > 0u) {
    atomicAdd(&bins[bin].high, high);
  }
}

fn bin_mass(bin: u32) -> vec2u {
  return vec2u(atomicLoad(&bins[bin].low), atomicLoad(&bins[bin].high));
}

fn descend(shift: u32, cut: Cut) {
  if (shift == 24u && !cut.by_count) {
    var whole = vec2u();
    for (var bin = 0u; bin < BINS; bin++) {
      whole = add64(whole, bin_mass(bin));
    }
    selection.target_mass = to_float(whole) * cut.share;
  }
  var above = selection.above;
  var bin = BINS - 1u;
  loop {
    let reached = add64(above, bin_mass(bin));
    if (bin == 0u || to_float(reached) >= selection.target_mass) {
      break;
    }
    above = reached;
    bin--;
  }
  selection.above = above;
  selection.prefix |= bin << shift;
}
