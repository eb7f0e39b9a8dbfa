// A workgroup shares the columns of one row group; a tree in shared memory adds the lanes up.
const WHOLE_BLOCKS: bool = false;
fn row_group(workgroup: u32, lane: u32) -> u32 { return workgroup; }
fn first_unit(lane: u32) -> u32 { return lane; }
fn unit_step() -> u32 { return WORKGROUP_SIZE; }

var<workgroup> partials: array<Sums, WORKGROUP_SIZE>;

fn reduce_and_finish(m: u32, n: u32, lane: u32, s: Sums) {
  partials[lane] = s;
  workgroupBarrier();
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      partials[lane] = added(partials[lane], partials[lane + half]);
    }
    workgroupBarrier();
  }
  if (lane < ROWS) {
    finish_sums(m + lane, n, lane, partials[0]);
  }
}
