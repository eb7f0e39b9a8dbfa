// Sum over a subgroup for rows-8.
fn subgroup_rows(v: rows_t) -> rows_t { return mat2x4f(subgroupAdd(v[0]), subgroupAdd(v[1])); }
