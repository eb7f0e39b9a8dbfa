// Attention of the rows after the decode sequences (FlashAttention-2, arXiv:2307.08691). One
// workgroup a (tile of TILE_ROWS rows of one sequence, query head); the keys come by blocks through
// workgroup memory, one page lookup a block, K and then V in the same place. ROW_THREADS threads a row.
// Grid: [sum over the sequences of ceil(rows / TILE_ROWS), NUM_HEADS, 1].
override WORKGROUP_SIZE: u32;
override NUM_HEADS: u32;
override NUM_KV_HEADS: u32;
override HEAD_DIM: u32;

@group(0) @binding(0) var<storage, read> step: array<u32>;
@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(2) var<storage, read> k_cache: array<Kv4>;
@group(0) @binding(3) var<storage, read> v_cache: array<Kv4>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4f>;

// 8, or 16 for heads of more than 128 channels.
override ROW_THREADS: u32;
override TILE_ROWS = WORKGROUP_SIZE / ROW_THREADS;
override HEAD_VECTORS = HEAD_DIM / 4u;

var<workgroup> queries: array<vec4f, WORKGROUP_SIZE / ROW_THREADS * (HEAD_DIM / 4u)>;
var<workgroup> block_rows: array<vec4f, BLOCK_SIZE * (HEAD_DIM / 4u)>;
var<workgroup> weights: array<f32, WORKGROUP_SIZE / ROW_THREADS * BLOCK_SIZE>;

struct Tile {
  sequence: u32,
  first_row: u32,
  num_rows: u32,
}

fn find_tile(index: u32) -> Tile {
  var before = 0u;
  var sequence = num_decode_sequences();
  loop {
    let rows = query_start(sequence + 1u) - query_start(sequence);
    let tiles = (rows + TILE_ROWS - 1u) / TILE_ROWS;
    if (index < before + tiles) {
      let first = (index - before) * TILE_ROWS;
      return Tile(sequence, query_start(sequence) + first, min(TILE_ROWS, rows - first));
    }
    before += tiles;
    sequence++;
    if (sequence >= num_sequences()) {
      return Tile(0u, 0u, 0u);
    }
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = find_tile(workgroup.x);
  if (tile.num_rows == 0u) {
    return;
  }
  let head = workgroup.y;
  let kv_head = head / (NUM_HEADS / NUM_KV_HEADS);
  let row = lane / ROW_THREADS;
  let part = lane % ROW_THREADS;
  // Rows past the tile's end repeat its last one, unwritten.
  let token = tile.first_row + min(row, tile.num_rows - 1u);
  let position = position_of(token);
  let q = (token * (NUM_HEADS + 2u * NUM_KV_HEADS) + head) * HEAD_VECTORS;
  for (var i = part; i < HEAD_VECTORS; i += ROW_THREADS) {
    queries[row * HEAD_VECTORS + i] = qkv[q + i] * SCALE;
  }
  var highest = LOWEST;
  var sum = 0.0;
  // HEAD_DIM is at most 4 * 4 * ROW_THREADS.
  var values0 = vec4f();
  var values1 = vec4f();
  var values2 = vec4f();
  var values3 = vec4f();
  let num_keys = context_length(tile.sequence);
  let end = last_key(position_of(tile.first_row + tile.num_rows - 1u), num_keys) + 1u;
  let final_key = last_key(position, num_keys);
  let visible = first_key(position);
  let start = first_key(position_of(tile.first_row)) / BLOCK_SIZE * BLOCK_SIZE;
  for (var first = start; first < end; first += BLOCK_SIZE) {
    let base = page_row(block_of(tile.sequence, first / BLOCK_SIZE), 0u, kv_head);
    // Slots past the last key may hold anything, NaN included.
    let filled = min(BLOCK_SIZE, end - first) * HEAD_VECTORS;
    workgroupBarrier();
    for (var i = lane; i < BLOCK_SIZE * HEAD_VECTORS; i += WORKGROUP_SIZE) {
      block_rows[i] = vec4f();
      if (i < filled) {
        block_rows[i] = unpack_kv4(k_cache[base + i]);
      }
    }
    workgroupBarrier();
    for (var key = part; key < BLOCK_SIZE; key += ROW_THREADS) {
      var score = 0.0;
      for (var i = 0u; i < HEAD_VECTORS; i++) {
        score += dot(queries[row * HEAD_VECTORS + i], block_rows[key * HEAD_VECTORS + i]);
      }
      let sees = first + key <= final_key && first + key >= visible;
      weights[row * BLOCK_SIZE + key] = select(LOWEST, capped(score), sees);
    }
    workgroupBarrier();
    for (var i = lane; i < BLOCK_SIZE * HEAD_VECTORS; i += WORKGROUP_SIZE) {
      block_rows[i] = vec4f();
      if (i < filled) {
        block_rows[i] = unpack_kv4(v_cache[base + i]);
      }
    }
    // A row that sees nothing of a block weighs it anyhow, until its first score cancels that.
    var raised = highest;
    for (var key = 0u; key < BLOCK_SIZE; key++) {
      raised = max(raised, weights[row * BLOCK_SIZE + key]);
    }
    let correction = exp(highest - raised);
    highest = raised;
    workgroupBarrier();
    sum *= correction;
    values0 *= correction;
    values1 *= correction;
    values2 *= correction;
    values3 *= correction;
    for (var key = 0u; key < BLOCK_SIZE; key++) {
      let weight = exp(weights[row * BLOCK_SIZE + key] - highest);
      sum += weight;
      let at = key * HEAD_VECTORS + part;
      values0 += weight * block_rows[at];
      if (part + ROW_THREADS < HEAD_VECTORS) {
        values1 += weight * block_rows[at + ROW_THREADS];
      }
      if (part + 2u * ROW_THREADS < HEAD_VECTORS) {
        values2 += weight * block_rows[at + 2u * ROW_THREADS];
      }
      if (part + 3u * ROW_THREADS < HEAD_VECTORS) {
        values3 += weight * block_rows[at + 3u * ROW_THREADS];
      }
    }
  }
  if (row < tile.num_rows) {
    let o = (token * NUM_HEADS + head) * HEAD_VECTORS;
    store_vector(o, part, values0 / sum);
    store_vector(o, part + ROW_THREADS, values1 / sum);
    store_vector(o, part + 2u * ROW_THREADS, values2 / sum);
    store_vector(o, part + 3u * ROW_THREADS, values3 / sum);
  }
}

fn store_vector(o: u32, i: u32, values: vec4f) {
  if (i < HEAD_VECTORS) {
    out[o + i] = values;
  }
}
