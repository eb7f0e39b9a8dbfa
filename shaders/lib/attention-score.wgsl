// What every attention kernel does to a score before the softmax, and which keys it leaves out.
override SCALE: f32;
// Gemma 2's cap: SOFT_CAP * tanh(score / SOFT_CAP); 0 for none.
override SOFT_CAP: f32;
// Keys that a position sees, itself included; 0 for all before it.
override WINDOW: u32;
// A position sees no later ones. If not, then as many after it as before it.
override CAUSAL: bool;

// Below every score, and finite: WGSL promises nothing about infinities.
const LOWEST: f32 = -1e30;

fn first_key(position: u32) -> u32 {
  let seen = select(WINDOW, position + 1u, WINDOW == 0u);
  return max(position + 1u, seen) - seen;
}

// Of a sequence of num_keys, those of this step included.
fn last_key(position: u32, num_keys: u32) -> u32 {
  if (CAUSAL) {
    return position;
  }
  let seen = select(WINDOW, num_keys, WINDOW == 0u);
  return min(position + seen, num_keys) - 1u;
}

fn capped(score: f32) -> f32 {
  if (SOFT_CAP == 0.0) {
    return score;
  }
  // tanh is 1 from 20 on in f32; beyond, its exponentials may overflow.
  return SOFT_CAP * tanh(clamp(score / SOFT_CAP, -20.0, 20.0));
}
