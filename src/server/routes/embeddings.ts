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
import { encodeVector, toBase64, type VectorFormat } from '../vector-bytes.ts'

/** A chat as one text, for models that were trained on such. */
const renderMessages = (model: ServedPoolingModel, body: EmbeddingRequest): string =>
  renderChat(model, {
    ...body,
    messages: body.messages ?? [],
    addsGenerationPrompt: false,
    kwargs: body.chat_template_kwargs ?? {},
  })

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

type Reply = {
  readonly head: { readonly id: string; readonly created: number; readonly model: string }
  readonly vectors: readonly Float32Array[]
  readonly numTokens: number
}

const formatOf = ({ embed_dtype: dtype, endianness }: EmbeddingRequest): VectorFormat => ({
  dtype: dtype ?? 'float32',
  endianness: endianness ?? 'native',
})

const jsonReply = ({ head, vectors, numTokens }: Reply, body: EmbeddingRequest): Response => {
  const isBase64 = body.encoding_format === 'base64'
  const format = formatOf(body)
  const { id, created, model } = head
  return Response.json({
    id,
    object: 'list',
    created,
    model,
    data: vectors.map((vector, index) => ({
      index,
      object: 'embedding',
      embedding: isBase64 ? toBase64(encodeVector(vector, format)) : [...vector],
    })),
    usage: {
      prompt_tokens: numTokens,
      total_tokens: numTokens,
      completion_tokens: 0,
      prompt_tokens_details: null,
      completion_tokens_details: null,
    },
  })
}

/** Headers hold ASCII alone. */
const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/** All vectors one behind the other; where each lies stands in a header, unless the bytes are all. */
const bytesReply = ({ head, vectors, numTokens }: Reply, body: EmbeddingRequest): Response => {
  const { dtype, endianness } = formatOf(body)
  const encoded = vectors.map((vector) => encodeVector(vector, { dtype, endianness }))
  const headers = new Headers({ 'content-type': 'application/octet-stream' })
  if (body.encoding_format === 'bytes') {
    let end = 0
    const data = encoded.map(({ length }, index) => {
      const start = end
      end += length
      const shape = [vectors[index]?.length ?? 0]
      return { index, embed_dtype: dtype, endianness, start, end, shape }
    })
    const usage = { prompt_tokens: numTokens, total_tokens: numTokens }
    headers.set('metadata', asciiJson({ ...head, data, usage }))
  }
  return new Response(new Blob(encoded), { headers })
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
  const reply = {
    head: {
      id: responseId('embd', request.headers, null),
      created: nowInSeconds(),
      model: model.id,
    },
    vectors: done,
    numTokens: prompts.reduce((sum, { length }) => sum + length, 0),
  }
  const isBytes = body.encoding_format === 'bytes' || body.encoding_format === 'bytes_only'
  return isBytes ? bytesReply(reply, body) : jsonReply(reply, body)
}
