// tiles = the pairs of a token and an expert, sorted by expert, in tiles of at most ROWS pairs of one expert.
// The order within an expert is left to chance: a pair's results do not depend on its place.
// One workgroup for all: it counts, places the experts, then the pairs. Grid: [1, 1, 1].
override WORKGROUP_SIZE: u32 = 256;
override NUM_EXPERTS: u32;
override ROWS: u32;
override TILE_WORDS: u32 = ROWS + 2u;

// As moe-route.wgsl writes them.
@group(0) @binding(0) var<storage, read> pairs: array<u32>;
// As shaders/lib/moe-tiles-groups.wgsl reads them.
@group(0) @binding(1) var<storage, read_write> tiles: array<u32>;

// Pairs of each expert; those that are still to be placed, in the end.
var<workgroup> counts: array<atomic<u32>, NUM_EXPERTS>;
var<workgroup> first_tile: array<u32, NUM_EXPERTS>;

fn tiles_of(expert: u32) -> u32 { return (atomicLoad(&counts[expert]) + ROWS - 1u) / ROWS; }

// Where an expert's tiles begin, and what they are.
fn place_expert(expert: u32) {
  var first = 0u;
  for (var before = 0u; before < expert; before++) {
    first += tiles_of(before);
  }
  first_tile[expert] = first;
  let count = atomicLoad(&counts[expert]);
  let own = tiles_of(expert);
  for (var tile = 0u; tile < own; tile++) {
    let at = 1u + (first + tile) * TILE_WORDS;
    tiles[at] = expert;
    tiles[at + 1u] = min(count - tile * ROWS, ROWS);
  }
  if (expert == NUM_EXPERTS - 1u) {
    tiles[0] = first + own;
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
  let num_pairs = pairs[0];
  for (var pair = lane; pair < num_pairs; pair += WORKGROUP_SIZE) {
    atomicAdd(&counts[pairs[1u + pair]], 1u);
  }
  workgroupBarrier();
  for (var expert = lane; expert < NUM_EXPERTS; expert += WORKGROUP_SIZE) {
    place_expert(expert);
  }
  workgroupBarrier();
  for (var pair = lane; pair < num_pairs; pair += WORKGROUP_SIZE) {
    let expert = pairs[1u + pair];
    let place = atomicSub(&counts[expert], 1u) - 1u;
    let tile = first_tile[expert] + place / ROWS;
    tiles[3u + tile * TILE_WORDS + place % ROWS] = pair;
  }
}
