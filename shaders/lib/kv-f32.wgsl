// The KV cache holds f32. `Kv4` is four neighbouring channels of one key or value.
alias Kv4 = vec4f;

fn unpack_kv4(packed: Kv4) -> vec4f { return packed; }
fn pack_kv4(values: vec4f) -> Kv4 { return values; }
