import { expect, test } from 'vitest'
import { settleDeveloperRole } from '../../../src/server/developer-role.ts'
import { createTestServer } from './fixtures.ts'

const say = (role: string, content: unknown) => ({ role, content })
const parts = ['d', 'e'].map((text) => ({ type: 'text', text }))

// What vLLM's `_convert_developer_to_system` and `_consolidate_system_messages` make of them.
test.each([
  [
    'becomes the system',
    [{ ...say('developer', 'a'), tools: [] }, say('user', 'b')],
    [say('system', 'a'), say('user', 'b')],
  ],
  [
    'joins the system message',
    [say('system', 's'), say('user', 'u'), say('developer', parts)],
    [say('system', 's\n\nd\ne'), say('user', 'u')],
  ],
  [
    'goes to the start, and empty ones away',
    [say('user', 'u'), say('developer', 'd'), say('system', '')],
    [say('system', 'd'), say('user', 'u')],
  ],
  [
    'joins one right before it',
    [say('system', 's'), say('developer', 'd')],
    [say('system', 's\n\nd')],
  ],
])('a developer message %s', (_, messages, expected) => {
  expect(settleDeveloperRole(messages, '')).toEqual(expected)
})

test('messages without the role, and templates that know it, are left alone', () => {
  const systems = [say('user', 'u'), say('system', 's'), say('system', 't')]
  expect(settleDeveloperRole(systems, '')).toBe(systems)
  const developers = [say('user', 'u'), say('developer', 'd')]
  expect(settleDeveloperRole(developers, "{% if m.role == 'developer' %}")).toBe(developers)
  expect(settleDeveloperRole(developers, '{% if m.role == "developer" %}')).toBe(developers)
})

test('the template sees it', async () => {
  const { chat, templateInputs } = createTestServer({ scripts: [{ pieces: ['a'] }] })
  await chat({ messages: [say('developer', 'd'), say('user', 'u')] })
  expect(templateInputs[0]?.messages).toEqual([say('system', 'd'), say('user', 'u')])
})
