import { randomHex } from '../ids.ts'
import type { Route } from '../route.ts'
import type { AnyServedModel } from '../served-model.ts'

/** The list of models: the loaded one. */
export const models: Route<AnyServedModel> = ({ model }) => {
  const permission = {
    id: `modelperm-${randomHex(16)}`,
    object: 'model_permission',
    created: model.created,
    allow_create_engine: false,
    allow_sampling: true,
    allow_logprobs: true,
    allow_search_indices: false,
    allow_view: true,
    allow_fine_tuning: false,
    organization: '*',
    group: null,
    is_blocking: false,
  }
  const card = {
    id: model.id,
    object: 'model',
    created: model.created,
    // Clients tell a vLLM server by this name, and then use the fields that Quire shares with it.
    owned_by: 'vllm',
    root: model.id,
    parent: null,
    max_model_len: model.engine.maxModelLen,
    permission: [permission],
  }
  return Response.json({ object: 'list', data: [card] })
}
