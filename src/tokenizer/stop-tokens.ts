import { EngineError } from '../errors.ts'
import type { Tokenizer } from './tokenizer.ts'

/** Tokens that end a turn in the chats that models are trained on. */
const turnEnds = [
  '<|im_end|>',
  '<|eot_id|>',
  '<|eom_id|>',
  '<|eot|>',
  '<|eom|>',
  '<|end|>',
  '<end_of_turn>',
  '<turn|>',
  '<|endoftext|>',
  '<|end_of_text|>',
  '<|return|>',
  '<|call|>',
  '<|END_OF_TURN_TOKEN|>',
]

/** In Harmony `<|end|>` closes one message of several; the turn ends with one of these. */
const harmonyEnds = ['<|return|>', '<|call|>']

const listTurnEnds = ({ addedTokens }: Tokenizer): number[] => {
  const isHarmony = harmonyEnds.every((token) => addedTokens.has(token))
  return turnEnds
    .filter((token) => !(isHarmony && token === '<|end|>'))
    .flatMap((token) => addedTokens.get(token)?.id ?? [])
}

/**
 * The ids that end an answer: the tokenizer's `eos_token`, which vLLM tells no stop reason for, those
 * that the files name, and the tokens of the vocabulary that end a turn wherever they are known. Files
 * name one or two of them at best, while a chat template may close its turns with another.
 *
 * @param namedIds `eos_token_id` of config.json and generation_config.json.
 */
export const stopTokenIds = (tokenizer: Tokenizer, namedIds: readonly number[]): number[] => {
  const { eosToken } = tokenizer
  const eosId = eosToken === null ? null : tokenizer.tokenToId(eosToken)
  const own = eosId === null ? [] : [eosId]
  return [...new Set([...own, ...namedIds, ...listTurnEnds(tokenizer)])]
}

/**
 * The ids of tokens that a user names instead.
 *
 * @throws EngineError `invalid-request` for what is no token of the vocabulary.
 */
export const namedStopTokenIds = (tokenizer: Tokenizer, tokens: readonly string[]): number[] =>
  tokens.map((token) => {
    const id = tokenizer.tokenToId(token)
    if (id !== null) return id
    throw new EngineError(
      'invalid-request',
      `stopTokens: ${JSON.stringify(token)} is no token of the vocabulary. Spell it as tokenizer.json does.`,
      { details: { parameter: 'stopTokens', token } },
    )
  })
