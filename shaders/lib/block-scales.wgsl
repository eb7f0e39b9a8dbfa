// f16 scales of blocks of 32 columns, in pairs, each row's padded to whole u32.
fn block_scales(n: vec4u, block: u32) -> vec4f {
  let at = n * ((COLUMNS + 63u) / 64u) + block / 2u;
  let shift = (block & 1u) * 16u;
  return vec4f(
    unpack2x16float(scales[at.x] >> shift).x,
    unpack2x16float(scales[at.y] >> shift).x,
    unpack2x16float(scales[at.z] >> shift).x,
    unpack2x16float(scales[at.w] >> shift).x,
  );
}
