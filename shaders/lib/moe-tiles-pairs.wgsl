// Each pair is a tile of its own, as moe-route.wgsl lists them: their number, then the expert of each.
fn num_tiles() -> u32 { return tiles[0]; }
fn tile_expert(tile: u32) -> u32 { return tiles[1u + tile]; }
fn tile_size(tile: u32) -> u32 { return 1u; }
fn tile_pair(tile: u32, place: u32) -> u32 { return tile; }
