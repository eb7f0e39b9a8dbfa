import type { Template } from '@huggingface/jinja'
import { adaptLoopControls, isTemplateNode, type TemplateNode } from './loop-controls.ts'
import { stringMethods } from './python-strings.ts'
import { helperName, pythonTests } from './template-environment.ts'

const nameOf = (node: unknown) =>
  isTemplateNode(node) && node['type'] === 'Identifier' ? node['value'] : undefined

const helperCall = (name: string, args: readonly unknown[]): TemplateNode => ({
  type: 'CallExpression',
  callee: { type: 'Identifier', value: helperName(name) },
  args,
})

const isText = (node: unknown): boolean => isTemplateNode(node) && node.type === 'StringLiteral'

const printed = (node: unknown): unknown => (isText(node) ? node : helperCall('print', [node]))

const filters: readonly unknown[] = ['tojson', 'format']

const adaptFilter = ({ operand, filter }: TemplateNode): TemplateNode | null => {
  const call = isTemplateNode(filter) && filter.type === 'CallExpression' ? filter : null
  const name = nameOf(call ? call['callee'] : filter)
  if (typeof name !== 'string' || !filters.includes(name)) return null
  const given: unknown[] = call && Array.isArray(call['args']) ? call['args'] : []
  return helperCall(name, [operand, ...given])
}

const adaptCall = ({ callee, args }: TemplateNode): TemplateNode | null => {
  if (!isTemplateNode(callee) || callee.type !== 'MemberExpression' || callee['computed'])
    return null
  const method = nameOf(callee['property'])
  if (typeof method !== 'string' || !Object.hasOwn(stringMethods, method)) return null
  return helperCall(method, [callee['object'], ...(Array.isArray(args) ? args : [])])
}

const adaptBinary = (node: TemplateNode): TemplateNode | null => {
  const { left, right, operator } = node
  const sign = isTemplateNode(operator) ? operator['value'] : undefined
  if (sign === '*' && (isText(left) || isText(right))) return helperCall('repeat', [left, right])
  return sign === '~' ? { ...node, left: printed(left), right: printed(right) } : null
}

const adaptTest = ({ operand, negate, test }: TemplateNode): TemplateNode | null => {
  const name = nameOf(test)
  if (typeof name !== 'string' || !Object.hasOwn(pythonTests, name)) return null
  const call = helperCall(name, [operand])
  if (negate !== true) return call
  return {
    type: 'UnaryExpression',
    operator: { type: 'UnaryOperator', value: 'not' },
    argument: call,
  }
}

const adaptations: Readonly<Record<string, (node: TemplateNode) => TemplateNode | null>> = {
  FilterExpression: adaptFilter,
  CallExpression: adaptCall,
  BinaryExpression: adaptBinary,
  TestExpression: adaptTest,
}

/** What stands in a block beside the expressions that it prints. */
const statements = new Set(
  'If For Set Macro CallStatement FilterStatement Break Continue Comment'.split(' '),
)
/** The fields of statements that are blocks. */
const blocks = ['body', 'alternate', 'defaultBlock']

const isPrinted = (node: unknown): boolean =>
  isTemplateNode(node) &&
  typeof node.type === 'string' &&
  !statements.has(node.type) &&
  !isText(node)

/**
 * Sends the operations that `@huggingface/jinja` 0.5 does unlike Python to our helpers: it prints
 * `true`, lists and nothing for None as JavaScript and JSON have them, refuses `~` with what is
 * undefined, has no `format`, ignores the argument of `strip(characters)`, writes 1e-7 and 1.0 in `tojson` as JavaScript
 * does and sorts keys by locale. Changes the parsed template in place.
 */
export const adaptToPython = (parsed: Template['parsed']): void => {
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(visit)
    if (value instanceof Map) return value.forEach((child, key) => [key, child].forEach(visit))
    if (!isTemplateNode(value)) return
    Object.values(value).forEach(visit)
    for (const name of blocks) {
      const block = value[name]
      if (!Array.isArray(block)) continue
      const nodes: unknown[] = block
      value[name] = nodes.map((node) => (isPrinted(node) ? helperCall('print', [node]) : node))
    }
    if (value.type === 'For' && Array.isArray(value['body'])) {
      value['body'] = adaptLoopControls(value['body'])
    }
    const adapted = typeof value.type === 'string' ? adaptations[value.type]?.(value) : null
    if (adapted) Object.assign(value, adapted)
  }
  visit(parsed)
}
