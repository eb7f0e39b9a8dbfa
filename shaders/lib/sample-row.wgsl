// What both sampling kernels know of a row of logits.
const MODE_GREEDY: u32 = 0u;
const MODE_PLAIN: u32 = 1u;
const MODE_FILTERED: u32 = 2u;

struct SampleRow {
  mode: u32,
  temperature: f32,
  top_k: u32,
  top_p: f32,
  min_p: f32,
}

fn sample_row(sample: u32) -> SampleRow {
  var row = SampleRow(
    MODE_PLAIN,
    bitcast<f32>(sample_word(sample, 2u)),
    sample_word(sample, 3u),
    bitcast<f32>(sample_word(sample, 4u)),
    bitcast<f32>(sample_word(sample, 5u)),
  );
  // 0 and -1 both switch top-k off.
  if (row.top_k == 0u || row.top_k > VOCAB_SIZE) {
    row.top_k = VOCAB_SIZE;
  }
  if (row.top_k < VOCAB_SIZE || row.top_p < 1.0 || row.min_p > 0.0) {
    row.mode = MODE_FILTERED;
  }
  // vLLM's bound for "greedy".
  if (row.temperature < 1e-5 || row.top_k == 1u) {
    row.mode = MODE_GREEDY;
  }
  return row;
}

// Gumbel-max: the id with the highest noisy logit is a draw from softmax(logits / temperature).
fn noisy_key(sample: u32, id: u32, key: u32, temperature: f32) -> u32 {
  if (is_excluded(key)) {
    return 0u;
  }
  let bits = random_bits(
    sample_word(sample, 6u), sample_word(sample, 7u), sample_word(sample, 8u), id);
  return order_key(bitcast<u32>(key_value(key) + temperature * gumbel_noise(bits)));
}
