import { expect, test } from 'vitest'
import { locateModel } from '../../../src/storage/model-location.ts'

test('a Hugging Face id names the files of a revision', () => {
  const location = locateModel('Qwen/Qwen3-0.6B')
  expect(location.id).toBe('Qwen/Qwen3-0.6B@main')
  expect(location.urlOf('config.json')).toBe(
    'https://huggingface.co/Qwen/Qwen3-0.6B/resolve/main/config.json',
  )
})

test('a revision and another hub are heeded', () => {
  const location = locateModel('a/b@refs/pr/1', { hubURL: 'https://mirror.test/hub/' })
  expect(location.id).toBe('a/b@refs/pr/1')
  expect(location.urlOf('x')).toBe('https://mirror.test/hub/a/b/resolve/refs%2Fpr%2F1/x')
  expect(locateModel({ repo: 'a/b', revision: 'v2' }).id).toBe('a/b@v2')
})

test.each([
  ['/starter-model/', 'https://page.test/starter-model/'],
  ['/starter-model', 'https://page.test/starter-model/'],
  ['./starter-model/config.json', 'https://page.test/app/starter-model/'],
  ['../models/x', 'https://page.test/models/x/'],
  ['starter-model/', 'https://page.test/app/starter-model/'],
  ['https://cdn.test/m//', 'https://cdn.test/m/'],
])('the folder %s is %s', (model, url) => {
  const location = locateModel(model, { baseURL: 'https://page.test/app/index.html' })
  expect(location.id).toBe(url)
  expect(location.urlOf('config.json')).toBe(`${url}config.json`)
  expect(locateModel({ url: model }, { baseURL: 'https://page.test/app/' }).id).toBe(url)
})

test.each(['', 'a b', 'a/b/c', '../..@x', 'a/..', 'file:x', 'a/b@', './relative'])(
  'refuses %j with the forms that are understood',
  (model) => {
    expect(() => locateModel(model)).toThrowError(
      expect.objectContaining({
        code: 'invalid-request',
        message: expect.stringContaining('Give a'),
      }),
    )
  },
)

test.each([
  ['https://x.test/m/a.Q4_0.gguf', 'https://x.test/m/a.Q4_0.gguf', 'a.Q4_0.gguf'],
  ['./m/a.gguf', 'https://page.test/m/a.gguf', 'a.gguf'],
  ['a.gguf', 'https://page.test/a.gguf', 'a.gguf'],
  ['owner/name/a.Q8_0.GGUF', 'https://hub.test/owner/name/resolve/main/a.Q8_0.GGUF', 'a.Q8_0.GGUF'],
  ['owner/name/a.gguf@v2', 'https://hub.test/owner/name/resolve/v2/a.gguf', 'a.gguf'],
])('finds the GGUF file %s', (model, url, file) => {
  const baseURL = 'https://page.test/index.html'
  const location = locateModel(model, { baseURL, hubURL: 'https://hub.test' })
  expect(location.ggufFile).toBe(file)
  expect(location.urlOf(file)).toBe(url)
})
