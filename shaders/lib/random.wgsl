// Counter-based random numbers: the draw of a token depends on (seed, position, token id) alone, so
// neither the batch, nor preemption, nor a lost device changes it. test/reference/random.ts repeats
// both functions.

// The 4-D permuted congruential hash of Jarzynski and Olano, "Hash Functions for GPU Rendering",
// JCGT 9(3), 2020.
fn random_bits(seed_low: u32, seed_high: u32, position: u32, id: u32) -> u32 {
  var v = vec4u(id, position, seed_low, seed_high) * 1664525u + 1013904223u;
  v.x += v.y * v.w;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v.w += v.y * v.z;
  v ^= v >> vec4u(16u);
  v.x += v.y * v.w;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v.w += v.y * v.z;
  return v.x;
}

// Gumbel noise -log(-log(1 - u)) of u = (bits + 0.5) / 2^32. Large noise means small u, where f32 is
// precise but 1 - u is not: there the series of -log(1 - u) stands in.
fn gumbel_noise(bits: u32) -> f32 {
  let u = (f32(bits) + 0.5) * 2.3283064365386963e-10;
  let series = u * (1.0 + u * (0.5 + u * (1.0 / 3.0)));
  return -log(select(-log(1.0 - min(u, 0.99999994)), series, u < 0.01));
}
