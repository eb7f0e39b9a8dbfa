// `npm run test:soak`: the whole soak; `npm test` runs a short one.
process.env.SOAK_REQUESTS ??= '2000'
await import('../run.mjs')
