import { expect, it } from 'vitest'
import { nearestName } from '../../../src/node/nearest-name.ts'

const names = ['model', 'port', 'host', 'max-model-len', 'max-num-seqs']

it('finds what was probably meant', () => {
  expect(nearestName('modle', names)).toBe('model')
  expect(nearestName('prot', names)).toBe('port')
  expect(nearestName('max-model-length', names)).toBe('max-model-len')
  expect(nearestName('maxnumseqs', names)).toBe('max-num-seqs')
})

it('does not guess from afar', () => {
  expect(nearestName('tensor-parallel-size', names)).toBeNull()
  expect(nearestName('x', [])).toBeNull()
})
