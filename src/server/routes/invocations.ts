import { invalidRequest } from '../errors.ts'
import { pythonRepr } from '../lax-types.ts'
import { readJsonBody } from '../request-body.ts'
import type { Route } from '../route.ts'
import type { AnyServedModel } from '../served-model.ts'

type AnyRoute = Route<AnyServedModel>

export type InvocationRoutes = {
  readonly chat: AnyRoute
  readonly complete: AnyRoute
  readonly embed: AnyRoute
}

const chooseRoute = (
  body: unknown,
  { task }: AnyServedModel,
  { chat, complete, embed }: InvocationRoutes,
): AnyRoute | null => {
  const has = (field: string) => typeof body === 'object' && body !== null && field in body
  if (task === 'embed') return has('input') || has('messages') ? embed : null
  if (has('messages')) return chat
  return has('prompt') || has('prompt_embeds') ? complete : null
}

const requestNames = {
  generate: ['ChatCompletionRequest', 'CompletionRequest'],
  embed: ['EmbeddingCompletionRequest', 'EmbeddingChatRequest'],
}

/** One address for every request to the model, as SageMaker calls it; the body tells which it is. */
export const invocations =
  (routes: InvocationRoutes): AnyRoute =>
  async (context) => {
    const { request, model } = context
    const route = chooseRoute(await readJsonBody(request.clone()), model, routes)
    if (route) return route(context)
    throw invalidRequest(
      'Cannot find suitable handler for request. Expected one of: ' +
        pythonRepr(requestNames[model.task]),
    )
  }
