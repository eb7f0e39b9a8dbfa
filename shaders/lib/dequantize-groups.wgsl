// A weight is q * s.x + s.y: quants4 gives the q of 4 columns, group_scale the s of their group of
// GROUP_COLUMNS. Products are exact, so that the values are the CPU's to the last bit.
fn dequantize4(row: u32, column: u32, columns: u32) -> vec4f {
  let s = group_scale(row, column, columns);
  return quants4(row, column, columns) * s.x + s.y;
}
