// The scale and the minimum of one of 8 groups, 6 bits each, of 3 words from weight[at].
fn six_bit_pair(at: u32, group: u32) -> vec2f {
  let shift = group % 4u * 8u;
  let pair = vec2u(weight[at], weight[at + 1u]) >> vec2u(shift);
  let rest = weight[at + 2u] >> shift;
  let low = vec2u(rest & 15u, (rest >> 4u) & 15u);
  return vec2f(select(low | ((pair >> vec2u(2u)) & vec2u(0x30u)), pair & vec2u(63u), group < 4u));
}
