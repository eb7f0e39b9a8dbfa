// f16 scales of blocks, in pairs, each row's padded to whole u32; `blocks` is their number in a row.
fn block_scale(row: u32, block: u32, blocks: u32) -> f32 {
  let pair = unpack2x16float(scales[row * ((blocks + 1u) / 2u) + block / 2u]);
  return select(pair.x, pair.y, (block & 1u) == 1u);
}
