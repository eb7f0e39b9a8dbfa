import { EngineError } from '../errors.ts'
import type { ModelPlan, PlanChoice } from './model-plan.ts'

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** Bytes with three digits, such as `1.21 GiB`. */
export const inBytes = (bytes: number): string => {
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2
  return `${value.toFixed(digits)} ${units[unit]}`
}

const inMillions = (count: number): string =>
  count >= 1e9 ? `${(count / 1e9).toFixed(2)} billion` : `${(count / 1e6).toFixed(1)} million`

const describeOptions = ({ options }: PlanChoice): string =>
  Object.entries(options)
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? `'${value}'` : value}`)
    .join(', ')

const isLargerBudget = ({ options }: PlanChoice): boolean => options.memoryBudget !== undefined

const describeChoices = (choices: readonly PlanChoice[]): string => {
  const smaller = choices.filter((choice) => !isLargerBudget(choice))
  const larger = choices.find(isLargerBudget)
  const listed = smaller.map(
    (choice) => `{ ${describeOptions(choice)} } (${inBytes(choice.neededBytes)})`,
  )
  return (
    (listed.length > 0 ? `What fits: ${listed.join(', or ')}. ` : 'Choose a smaller model. ') +
    (larger ? `If the GPU has the room, say so: { ${describeOptions(larger)} }.` : '')
  )
}

const leastCache = ({ neededBytes, weightBytes, scratchBytes }: Omit<ModelPlan, 'text'>): number =>
  neededBytes - weightBytes - scratchBytes

const describeRefusal = (plan: Omit<ModelPlan, 'text'>): string =>
  `${plan.model} needs ${inBytes(plan.neededBytes)} of GPU memory (weights ` +
  `${inBytes(plan.weightBytes)} with quantization '${plan.quantization}', scratch ` +
  `${inBytes(plan.scratchBytes)}, KV cache ${inBytes(leastCache(plan))} at least), and ` +
  `memoryBudget is ${inBytes(plan.memoryBudget)}. ${describeChoices(plan.choices)}`

const describeDownload = ({ totalBytes, presentBytes }: ModelPlan['download']): string => {
  if (totalBytes === 0) return 'nothing, it is read from your disk'
  const total = totalBytes === null ? 'size unknown' : inBytes(totalBytes)
  return presentBytes === 0 ? total : `${total}, ${inBytes(presentBytes)} of it stored`
}

const describeCache = ({ kvCache, maxModelLen, maxNumSeqs }: Omit<ModelPlan, 'text'>): string => {
  const { numBlocks, blockSize, bytes, bytesPerToken } = kvCache
  if (bytesPerToken === 0) return `none; texts up to ${maxModelLen}, ${maxNumSeqs} at once`
  return (
    `${inBytes(bytes)}, ${numBlocks * blockSize} tokens in ${numBlocks} blocks of ` +
    `${inBytes(bytesPerToken * blockSize)}; contexts up to ${maxModelLen}, ${maxNumSeqs} at once`
  )
}

/** A plan as lines of text. */
export const describePlan = (plan: Omit<ModelPlan, 'text'>): string => {
  const { weightBytesBy, largestTensor, limits } = plan
  const others = Object.entries(weightBytesBy).map(([name, bytes]) => `${name} ${inBytes(bytes)}`)
  const bound = Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize)
  const rows = [
    ['weights', `${inBytes(plan.weightBytes)} (${others.join(', ')})`],
    ['KV cache', describeCache(plan)],
    ['scratch', inBytes(plan.scratchBytes)],
    ['in all', `${inBytes(plan.totalBytes)} of ${inBytes(plan.memoryBudget)} memoryBudget`],
    [
      'largest tensor',
      `${largestTensor.name}, ${inBytes(largestTensor.bytes)}; the adapter binds ${inBytes(bound)}`,
    ],
    ['download', describeDownload(plan.download)],
  ]
  return [
    `${plan.model}: ${plan.architecture}, ${inMillions(plan.numParameters)} parameters, ` +
      `quantization '${plan.quantization}'`,
    ...rows.map(([name = '', value = '']) => `  ${name.padEnd(15)} ${value}`),
    plan.fits ? 'It fits.' : describeRefusal(plan),
  ].join('\n')
}

/** @throws EngineError `model-too-large` with the numbers and the choices, for a plan that does not fit. */
export const refuseTooLarge = (plan: ModelPlan): void => {
  if (plan.fits) return
  const { neededBytes, memoryBudget, weightBytes, scratchBytes, quantization } = plan
  throw new EngineError('model-too-large', describeRefusal(plan), {
    details: {
      neededBytes,
      memoryBudget,
      weightBytes,
      scratchBytes,
      kvCacheBytes: leastCache(plan),
      quantization,
      choices: plan.choices.map(describeOptions).join('; '),
    },
  })
}
