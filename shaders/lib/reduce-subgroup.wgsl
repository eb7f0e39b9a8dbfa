// A workgroup shares the columns of one row group; subgroups add their lanes up, and one hop through
// shared memory adds the subgroups. Which lanes form a subgroup, and how many, is left to the
// adapter: a lane's place in its subgroup is counted, not derived from its index.
const WHOLE_BLOCKS: bool = false;
fn row_group(workgroup: u32, lane: u32) -> u32 { return workgroup; }
fn first_unit(lane: u32) -> u32 { return lane; }
fn unit_step() -> u32 { return WORKGROUP_SIZE; }

// One place a lane: a subgroup uses that of its first lane, the others stay zero.
var<workgroup> partials: array<Sums, WORKGROUP_SIZE>;

fn reduce_and_finish(m: u32, n: u32, lane: u32, s: Sums) {
  let place = subgroupExclusiveAdd(1u);
  let width = subgroupAdd(1u);
  let mine = subgroup_sums(s);
  if (place == 0u) {
    partials[lane] = mine;
  }
  workgroupBarrier();
  var others: Sums;
  for (var at = place; at < WORKGROUP_SIZE; at += width) {
    others = added(others, partials[at]);
  }
  let total = subgroup_sums(others);
  if (lane < ROWS) {
    finish_sums(m + lane, n, lane, total);
  }
}

fn subgroup_sums(s: Sums) -> Sums {
  return Sums(
    subgroup_rows(s.n0),
    subgroup_rows(s.n1),
    subgroup_rows(s.n2),
    subgroup_rows(s.n3),
    subgroup_rows(s.squares),
  );
}
