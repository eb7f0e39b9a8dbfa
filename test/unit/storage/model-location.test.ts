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

test('says that GGUF is not read yet', () => {
  expect(() => locateModel('https://x.test/model.Q4_0.gguf')).toThrowError(
    expect.objectContaining({ code: 'unsupported-format' }),
  )
})
