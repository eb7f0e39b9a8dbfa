// Row dest_first + r * dest_stride of the weight = source row source_first + r, in the weight's storage format.
// One thread per 64 columns, whose two block scales share a word. Grid: flat over
// numRows * ceil(columns / 64) / WORKGROUP_SIZE.
override WORKGROUP_SIZE: u32 = 64;

// num_rows, columns, dest_first, dest_stride, source_first: pieces of a file have no sizes known beforehand.
@group(0) @binding(0) var<storage, read> params: array<u32>;
@group(0) @binding(1) var<storage, read> source: array<u32>;
@group(0) @binding(2) var<storage, read_write> weight: array<u32>;
@group(0) @binding(3) var<storage, read_write> scales: array<u32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = flat_workgroup(workgroup, workgroups) * WORKGROUP_SIZE + lane;
  let columns = params[1];
  let pairs = (columns + 63u) / 64u;
  let row = index / pairs;
  if (row >= params[0]) {
    return;
  }
  store_columns(
    params[2] + row * params[3],
    (params[4] + row) * columns,
    (index % pairs) * 64u,
    columns,
  );
}
