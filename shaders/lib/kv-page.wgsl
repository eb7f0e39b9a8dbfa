// Where keys and values lie: [block][kv head][BLOCK_SIZE][head dim], counted in Kv4.
const BLOCK_SIZE: u32 = 16u;

fn page_row(block: u32, offset: u32, kv_head: u32) -> u32 {
  return ((block * NUM_KV_HEADS + kv_head) * BLOCK_SIZE + offset) * (HEAD_DIM / 4u);
}
