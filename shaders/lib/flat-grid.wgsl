// Workgroups counted over x and y, for grids of more than 65,535 in x (see flatGrid).
fn flat_workgroup(workgroup: vec3u, workgroups: vec3u) -> u32 {
  return workgroup.y * workgroups.x + workgroup.x;
}
