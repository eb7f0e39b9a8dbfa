// The numbers of one engine step, laid out in src/engine/step-input-layout.ts. A kernel that joins this
// module binds them as `step: array<u32>`. Sixteen words of header, then the arrays they point at.

const SAMPLE_ROW_WORDS: u32 = 20u;
// A token id with this bit set names a slot of `last_tokens` instead: sampled, not yet read back.
const FROM_SLOT: u32 = 0x80000000u;
// The slot of a sample row whose token no later step reads from the GPU.
const NO_SLOT: u32 = 0xffffffffu;

fn num_tokens() -> u32 { return step[0]; }
fn num_sequences() -> u32 { return step[1]; }
fn num_samples() -> u32 { return step[2]; }
fn token_id(token: u32) -> u32 { return step[step[3] + token]; }
fn position_of(token: u32) -> u32 { return step[step[4] + token]; }
// The cache row of a token: block * BLOCK_SIZE + offset in the block.
fn slot_of(token: u32) -> u32 { return step[step[5] + token]; }
fn sequence_of(token: u32) -> u32 { return step[step[6] + token]; }
fn query_start(sequence: u32) -> u32 { return step[step[7] + sequence]; }
// Keys visible once this step has written its own.
fn context_length(sequence: u32) -> u32 { return step[step[8] + sequence]; }
fn block_of(sequence: u32, index: u32) -> u32 { return step[step[9] + sequence * step[10] + index]; }
fn sample_word(sample: u32, word: u32) -> u32 { return step[step[11] + sample * SAMPLE_ROW_WORDS + word]; }
fn num_decode_sequences() -> u32 { return step[12]; }
fn num_decode_tokens() -> u32 { return step[13]; }
