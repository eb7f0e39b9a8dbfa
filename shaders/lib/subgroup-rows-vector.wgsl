// Sum over a subgroup for rows-1, rows-2 and rows-4.
fn subgroup_rows(v: rows_t) -> rows_t { return subgroupAdd(v); }
