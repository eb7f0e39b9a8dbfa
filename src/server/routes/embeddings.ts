import type { PooledText } from '../../engine/pooling.ts'
import {
  checkDimensions,
  encodeInputs,
  parseEmbeddingRequest,
  type EmbeddingRequest,
} from '../embedding-request.ts'
import { nowInSeconds, responseId } from '../ids.ts'
import { renderChat } from '../render-chat.ts'
import { readJsonBody } from '../request-body.ts'
import { unlessAborted } from '../respond.ts'
import { checkModelName, type Route } from '../route.ts'
import type { ServedPoolingModel } from '../served-model.ts'

/** A chat as one text, for models that were trained on such. */
const renderMessages = (model: ServedPoolingModel, body: EmbeddingRequest): string =>
  renderChat(model, {
    ...body,
    messages: body.messages ?? [],
    addsGenerationPrompt: false,
    kwargs: body.chat_template_kwargs ?? {},
  })

/** The bytes of f32 numbers, little-endian as all of a browser's machines have them. */
const toBase64 = (vector: Float32Array<ArrayBuffer>): string => {
  const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}

const start = (
  model: ServedPoolingModel,
  body: EmbeddingRequest,
  prompts: readonly (readonly number[])[],
) => {
  const texts: PooledText[] = []
  const abort = () => texts.forEach((text) => text.abort())
  try {
    for (const promptTokenIds of prompts) {
      const text = model.engine.addRequest({
        promptTokenIds,
        priority: body.priority ?? 0,
        dimensions: body.dimensions ?? null,
        normalize: body.use_activation ?? model.vectors.normalize,
      })
      texts.push(text)
    }
  } catch (refusal) {
    abort()
    throw refusal
  }
  return { vectors: Promise.all(texts.map(({ vector }) => vector)), abort }
}

export const embeddings: Route<ServedPoolingModel> = async (context) => {
  const { model, request } = context
  const body = parseEmbeddingRequest(await readJsonBody(request))
  request.signal.throwIfAborted()
  checkModelName(context, body)
  checkDimensions(model, body.dimensions ?? null)
  const inputs = body.inputs ?? [renderMessages(model, body)]
  const prompts = encodeInputs(inputs, body, model)
  const { vectors, abort } = start(model, body, prompts)
  const done = await unlessAborted(vectors, request.signal, abort)
  const isBase64 = body.encoding_format === 'base64'
  const numTokens = prompts.reduce((sum, { length }) => sum + length, 0)
  return Response.json({
    id: responseId('embd', request.headers, body.request_id),
    object: 'list',
    created: nowInSeconds(),
    model: model.id,
    data: done.map((vector, index) => ({
      index,
      object: 'embedding',
      embedding: isBase64 ? toBase64(vector) : [...vector],
    })),
    usage: {
      prompt_tokens: numTokens,
      total_tokens: numTokens,
      completion_tokens: 0,
      prompt_tokens_details: null,
    },
  })
}
