import * as v from 'valibot'
import { integerWithin, list, object, parseBody, string } from '../lax-types.ts'
import { readJsonBody } from '../request-body.ts'
import { checkModelName, type Route } from '../route.ts'
import type { AnyServedModel } from '../served-model.ts'

const schema = object({ model: v.nullish(string), tokens: list(integerWithin({ least: 0 })) })

/** The text of token ids, special tokens included. */
export const detokenize: Route<AnyServedModel> = async (context) => {
  const body = parseBody(schema, await readJsonBody(context.request))
  checkModelName(context, body)
  return Response.json({ prompt: context.model.tokenizer.decode(body.tokens) })
}
