import { type ErrorBody, toErrorBody } from '../errors.ts'
import type { Route } from '../route.ts'
import type { AnyServedModel } from '../served-model.ts'

/** Anthropic's shape of an error, with vLLM's types. */
export const anthropicError = ({ error: { type, message } }: ErrorBody): object => ({
  type: 'error',
  error: { type, message },
})

/** A route whose refusals are in Anthropic's shape. */
export const asAnthropic =
  (route: Route<AnyServedModel>): Route<AnyServedModel> =>
  async (context) => {
    try {
      return await route(context)
    } catch (thrown) {
      context.request.signal.throwIfAborted()
      const body = toErrorBody(thrown)
      return Response.json(anthropicError(body), { status: body.error.code })
    }
  }
