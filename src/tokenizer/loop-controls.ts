/** A node of a parsed template. */
export type TemplateNode = { type?: unknown; [field: string]: unknown }

export const isTemplateNode = (value: unknown): value is TemplateNode =>
  typeof value === 'object' && value !== null

/** No template can write such a name. */
const done = { type: 'Identifier', value: 'quire loop done' }
const skip = { type: 'Identifier', value: 'quire loop skip' }

const set = (variable: unknown, value: 0 | 1) => ({
  type: 'Set',
  assignee: variable,
  value: { type: 'IntegerLiteral', value },
  body: [],
})

const unless = (variable: unknown, body: readonly unknown[]) => ({
  type: 'If',
  test: {
    type: 'UnaryExpression',
    operator: { type: 'UnaryOperator', value: 'not' },
    argument: variable,
  },
  body,
  alternate: [],
})

const branches = ['body', 'alternate']

const branchesOf = (node: TemplateNode): readonly unknown[][] =>
  node.type === 'If'
    ? branches.map((name) => node[name]).filter((nodes) => Array.isArray(nodes))
    : []

const hasControl = (node: unknown): boolean =>
  isTemplateNode(node) &&
  (node.type === 'Break' || node.type === 'Continue' || branchesOf(node).flat().some(hasControl))

/** Nothing that follows a control runs: it sets a flag, and what comes after asks for it. */
const guard = (nodes: readonly unknown[]): readonly unknown[] => {
  const at = nodes.findIndex(hasControl)
  const node = nodes[at]
  if (!isTemplateNode(node)) return nodes
  const before = nodes.slice(0, at)
  if (node.type === 'Continue') return [...before, set(skip, 1)]
  if (node.type === 'Break') return [...before, set(done, 1), set(skip, 1)]
  const branch = { ...node }
  for (const name of branches) {
    const inner = node[name]
    if (Array.isArray(inner)) branch[name] = guard(inner)
  }
  const after = guard(nodes.slice(at + 1))
  return [...before, branch, ...(after.length > 0 ? [unless(skip, after)] : [])]
}

/**
 * `break` and `continue` of a loop as conditions: `@huggingface/jinja` 0.5 throws away what the round
 * that they end has printed before.
 */
export const adaptLoopControls = (body: readonly unknown[]): readonly unknown[] =>
  body.some(hasControl) ? [unless(done, [set(skip, 0), ...guard(body)])] : body
