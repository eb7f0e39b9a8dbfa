// Ends a part of the group of weights q * s.x + s.y that holds the column: its scale multiplies the sum of
// the products, its offset the sum of the activations; never each weight.
fn add_group(s: ptr<function, Sums>, n: vec4u, column: u32, products: Sums, total: rows_t) {
  let s0 = group_scale(n.x, column, COLUMNS);
  let s1 = group_scale(n.y, column, COLUMNS);
  let s2 = group_scale(n.z, column, COLUMNS);
  let s3 = group_scale(n.w, column, COLUMNS);
  add_scaled(s, products, vec4f(s0.x, s1.x, s2.x, s3.x));
  if (HAS_OFFSETS) {
    (*s).n0 += total * s0.y;
    (*s).n1 += total * s1.y;
    (*s).n2 += total * s2.y;
    (*s).n3 += total * s3.y;
  }
}
