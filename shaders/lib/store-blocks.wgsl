// Two blocks of 32 columns, whose scales share a word; a block that the row lacks has scale zero.
fn store_columns(dest_row: u32, source_row: u32, first: u32, columns: u32) {
  var pair = vec2f(0.0);
  pair.x = store_block(dest_row, source_row, first, columns);
  if (first + 32u < columns) {
    pair.y = store_block(dest_row, source_row, first + 32u, columns);
  }
  scales[dest_row * ((columns + 63u) / 64u) + first / 64u] = pack2x16float(pair);
}
