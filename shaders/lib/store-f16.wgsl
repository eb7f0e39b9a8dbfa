fn store_columns(dest_row: u32, source_row: u32, first: u32, columns: u32) {
  for (var column = first; column < min(first + 64u, columns); column += 2u) {
    let at = source_row + column;
    weight[(dest_row * columns + column) / 2u] =
      pack2x16float(vec2f(source_value(at), source_value(at + 1u)));
  }
}
