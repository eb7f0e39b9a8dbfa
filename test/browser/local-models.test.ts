import { afterEach, beforeEach, expect, it } from 'vitest'
import { createEngine, type Engine, planModel } from '../../src/index.ts'
import { starterGguf } from './starter-gguf.ts'

const starterFiles = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors']

const blobOf = async (url: string): Promise<Blob> => {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url}: ${response.status}`)
  return response.blob()
}

/** A folder as `showDirectoryPicker()` would give it, with the starter model in it. */
const starterFolder = async (): Promise<FileSystemDirectoryHandle> => {
  const root = await navigator.storage.getDirectory()
  const folder = await root.getDirectoryHandle('picked-starter', { create: true })
  for (const name of starterFiles) {
    const writable = await (await folder.getFileHandle(name, { create: true })).createWritable()
    await writable.write(await blobOf(`/starter-model/${name}`))
    await writable.close()
  }
  return folder
}

const post = async (engine: Engine, path: string, body: object): Promise<unknown> => {
  const response = await engine.fetch(`${engine.baseURL}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: engine.model, temperature: 0, max_tokens: 20, ...body }),
  })
  expect(response.status, await response.clone().text()).toBe(200)
  return response.json()
}

const chat = async (engine: Engine): Promise<string> => {
  const messages = [{ role: 'user', content: 'Hello!' }]
  const { choices } = (await post(engine, '/chat/completions', { messages })) as {
    choices: { message: { content: string } }[]
  }
  return choices[0]!.message.content
}

/** What greedily follows ids, in which no rule for cutting text up has a part. */
const complete = async (engine: Engine): Promise<string> => {
  const body = { prompt: [1, 200, 300, 400], ignore_eos: true }
  const { choices } = (await post(engine, '/completions', body)) as { choices: { text: string }[] }
  return choices[0]!.text
}

/** Folders of OPFS: what a local model must add nothing to. */
const storedFolders = async (): Promise<string[]> => {
  const root = await navigator.storage.getDirectory()
  const names: string[] = []
  for await (const name of root.keys()) names.push(name)
  return names
}

const emptyStorage = async (): Promise<void> => {
  const root = await navigator.storage.getDirectory()
  for (const name of await storedFolders()) await root.removeEntry(name, { recursive: true })
}

let engine: Engine | undefined
// Other test files may have left models there.
beforeEach(emptyStorage)
afterEach(async () => {
  await engine?.dispose()
  engine = undefined
  await emptyStorage()
})

it("chats with a model in a folder's handle, in place", async () => {
  const model = await starterFolder()
  const plan = await planModel({ model })
  expect(plan).toMatchObject({ model: 'picked-starter', fits: true })
  expect(plan.text).toMatch(/nothing, it is read from your disk/)
  engine = await createEngine({ model })
  expect(engine.model).toBe('picked-starter')
  expect(await chat(engine)).toMatch(/\w/)
  expect(await storedFolders()).toEqual(['picked-starter'])
})

it('loads the files that an input has given', async () => {
  const files = await Promise.all(
    starterFiles.map(async (name) => {
      const file = new File([await blobOf(`/starter-model/${name}`)], name)
      return Object.defineProperty(file, 'webkitRelativePath', { value: `my-model/${name}` })
    }),
  )
  engine = await createEngine({ model: files })
  expect(engine.model).toBe('my-model')
  expect(await chat(engine)).toMatch(/\w/)
})

it('completes with a GGUF file as with the safetensors that it was made of', async () => {
  engine = await createEngine({ model: await starterGguf('/starter-model/') })
  expect(engine.model).toBe('starter.gguf')
  const text = await complete(engine)
  expect(text.length).toBeGreaterThan(20)
  expect(await storedFolders()).toEqual([])
  await engine.dispose()
  engine = await createEngine({ model: '/starter-model/' })
  expect(await complete(engine)).toBe(text)
})

it('plans a model on a server, and refuses it when it is too large', async () => {
  const plan = await planModel({ model: '/starter-model/' })
  expect(plan).toMatchObject({ architecture: 'Qwen3ForCausalLM', quantization: 'stored' })
  expect(plan.download.totalBytes).toBeGreaterThan(5_000_000)
  const refused = createEngine({ model: '/starter-model/', memoryBudget: 1_000_000 })
  await expect(refused).rejects.toMatchObject({ code: 'model-too-large' })
  expect(await planModel({ model: '/starter-model/', memoryBudget: 1_000_000 })).toMatchObject({
    fits: false,
    quantization: 'q4',
  })
  await expect(planModel({ model: '/no-such-model/' })).rejects.toMatchObject({
    code: 'file-not-found',
  })
})
