// The KV cache holds f16 pairs in u32, which needs no `shader-f16`. `Kv4` is four neighbouring
// channels of one key or value.
alias Kv4 = vec2u;

fn unpack_kv4(packed: Kv4) -> vec4f {
  return vec4f(unpack2x16float(packed.x), unpack2x16float(packed.y));
}

fn pack_kv4(values: vec4f) -> Kv4 {
  return vec2u(pack2x16float(values.xy), pack2x16float(values.zw));
}
