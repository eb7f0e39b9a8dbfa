// One thread sums all columns of its row group: no barrier, no shared memory.
const WHOLE_BLOCKS: bool = true;
fn row_group(workgroup: u32, lane: u32) -> u32 { return workgroup * WORKGROUP_SIZE + lane; }
fn first_unit(lane: u32) -> u32 { return 0u; }
fn unit_step() -> u32 { return 1u; }

fn reduce_and_finish(m: u32, n: u32, lane: u32, s: Sums) {
  // A loop that ends at run time: unrolled, the ends of 8 rows take lavapipe seconds to compile.
  let count = min(ROWS, rows_from(m));
  for (var row = 0u; row < count; row++) {
    finish_sums(m + row, n, row, s);
  }
}
