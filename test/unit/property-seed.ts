import * as fc from 'fast-check'

/**
 * `npm test` tries the same random cases on every machine. `PROPERTY_SEED=random` explores others
 * and a number replays a failure. `PROPERTY_RUNS` sets how many traces of the scheduler are tried,
 * `MALFORMED_RUNS` how many damaged files.
 */
const given = process.env['PROPERTY_SEED']
if (given !== 'random') fc.configureGlobal({ seed: Number(given ?? 20_261_121) })
