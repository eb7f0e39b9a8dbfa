import {
  createMoe,
  createMoeScratch,
  type Moe,
  type MoeOptions,
  type MoeScratch,
} from '../layers/moe.ts'
import type { ExpertsConfig } from './model-config.ts'
import type { EncoderBuild } from './model.ts'

/** What the layers with experts share; null for a model that has none. */
export const allocateExperts = ({
  gpu,
  config: { experts, hiddenSize },
  maxNumTokens,
}: EncoderBuild): MoeScratch | null =>
  experts && createMoeScratch(gpu, { ...experts, hiddenSize }, maxNumTokens)

/**
 * The MLP of a layer whose experts stand as `<name>.experts.<expert>`, and their router as
 * `<name>.gate`.
 */
export const createExpertMlp = async (
  { gpu, config, weights }: EncoderBuild,
  name: string,
  options: Pick<MoeOptions, 'residual' | 'norm' | 'scratch'> & { readonly experts: ExpertsConfig },
): Promise<Moe> => {
  const { experts, ...rest } = options
  const { numExperts } = experts
  const ofAll = (part: string): string[] =>
    Array.from({ length: numExperts }, (_, expert) => `${name}.experts.${expert}.${part}.weight`)
  const up = ofAll('up_proj')
  return createMoe(gpu, {
    ...rest,
    ...experts,
    hiddenSize: config.hiddenSize,
    activation: config.activation,
    router: await weights.vector([`${name}.gate.weight`]),
    gateUp: await weights.interleavedGroups(ofAll('gate_proj').map((gate, at) => [gate, up[at]!])),
    down: await weights.concatenated(ofAll('down_proj')),
  })
}
