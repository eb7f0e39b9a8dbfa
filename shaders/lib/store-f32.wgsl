fn store_columns(dest_row: u32, source_row: u32, first: u32, columns: u32) {
  for (var column = first; column < min(first + 64u, columns); column++) {
    weight[dest_row * columns + column] = bitcast<u32>(source_value(source_row + column));
  }
}
