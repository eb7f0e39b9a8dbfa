// Byte i of those that begin at weight[at].
fn byte_at(at: u32, i: u32) -> u32 { return (weight[at + i / 4u] >> (i % 4u * 8u)) & 0xffu; }
