// A group is one thread.
struct Lane {
  @builtin(local_invocation_index) index: u32,
}

fn group_sum(value: f32, lane: Lane) -> f32 { return value; }
