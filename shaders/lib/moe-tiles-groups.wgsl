// A tile is up to ROWS pairs that share an expert, as moe-group.wgsl lists them: the number of tiles, then of
// each its expert, the number of its pairs, and room for ROWS of them.
const TILE_WORDS: u32 = ROWS + 2u;
fn num_tiles() -> u32 { return tiles[0]; }
fn tile_expert(tile: u32) -> u32 { return tiles[1u + tile * TILE_WORDS]; }
fn tile_size(tile: u32) -> u32 { return tiles[2u + tile * TILE_WORDS]; }
fn tile_pair(tile: u32, place: u32) -> u32 { return tiles[3u + tile * TILE_WORDS + place]; }
