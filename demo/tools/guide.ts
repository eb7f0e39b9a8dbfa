/** A short passage of documentation that `search_docs` can find. */
export type Page = { readonly title: string; readonly text: string }

/** What people ask about most, in words short enough for a small model to repeat. */
export const guide: readonly Page[] = [
  {
    title: 'What Quire is',
    text: "Quire is vLLM's serving engine rebuilt for the browser tab. It runs language models on WebGPU and needs no server.",
  },
  {
    title: 'Install',
    text: 'Run npm install quire-llm. Then call createEngine with a model and pass engine.fetch to the OpenAI client.',
  },
  {
    title: 'createEngine',
    text: 'createEngine loads a model in a Web Worker. It takes the model, an onProgress callback and an abort signal, and resolves to an engine with fetch, baseURL, model, stats and dispose.',
  },
  {
    title: 'OpenAI API',
    text: 'engine.fetch answers like an OpenAI-compatible server: chat completions, completions and models. Clients such as the OpenAI SDK work unmodified.',
  },
  {
    title: 'Streaming',
    text: 'Set stream to true and the answer arrives as server-sent events, token by token. Leaving the stream aborts the request and frees its memory.',
  },
  {
    title: 'Continuous batching',
    text: 'Requests join and leave the running batch at every step, so several chats generate at the same time and share each pass over the weights.',
  },
  {
    title: 'Paged KV cache',
    text: 'Keys and values live in blocks of 16 tokens. A sequence holds a list of blocks, so memory is given out as it is needed and never fragments.',
  },
  {
    title: 'Prefix caching',
    text: 'Requests that begin with the same tokens share their blocks. A repeated system prompt or an earlier turn of a chat is not computed again.',
  },
  {
    title: 'Scheduler and preemption',
    text: 'Each step has a budget of tokens that the scheduler hands to the requests in order of arrival. When blocks run out, the youngest request is preempted and computed again later.',
  },
  {
    title: 'Tool calls',
    text: "Send tools with a request and the model may answer with tool_calls. Quire reads them with vLLM's parsers; the page runs the functions and sends the results back.",
  },
  {
    title: 'Reasoning',
    text: 'Thoughts in think tags are split from the answer and sent as reasoning. Set enable_thinking to false in chat_template_kwargs to turn thinking off.',
  },
  {
    title: 'Models and formats',
    text: 'A model is a Hugging Face repository or a folder on a web server with config.json, tokenizer.json and safetensors files. No compile step is needed.',
  },
  {
    title: 'Offline use',
    text: 'Model files are kept in the origin private file system. After the first visit the page opens and answers without a network.',
  },
  {
    title: 'Privacy',
    text: 'Prompts and answers stay in the browser. Only the tools that you turn on may ask a server, such as the weather service.',
  },
  {
    title: 'Browsers',
    text: 'Quire needs WebGPU: Chrome and Edge 113 or later, Safari 26 or later, and Firefox 141 or later on Windows.',
  },
  {
    title: 'Starter model',
    text: 'The starter model has 3 million parameters and was made for demos and tests. It can chat briefly, answer questions about Quire, do small sums and call tools.',
  },
  {
    title: 'Engine panel',
    text: 'The engine panel shows the blocks of the KV cache, the running and waiting requests, tokens per second and the prefix-cache hit rate.',
  },
]
