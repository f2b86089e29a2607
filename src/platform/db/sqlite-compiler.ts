import { SqliteQueryCompiler, type AndNode, type BinaryOperationNode, type OperationNode, type OrNode } from 'kysely'
import { requireShallow } from './query-size.ts'

/** Lists so short have a text of their own for each length. */
const shortList = 3

/**
 * Lists of values are one parameter, a JSON array: the text of a query is the same for any number of them, so that one
 * prepared statement serves all, and there is no longest list. (The MySQL driver prepares nothing: it writes the values into the text.)
 */
export class ListQueryCompiler extends SqliteQueryCompiler {
  protected override visitAnd(node: AndNode): void {
    requireShallow(this.nodeStack.length)
    super.visitAnd(node)
  }

  protected override visitOr(node: OrNode): void {
    requireShallow(this.nodeStack.length)
    super.visitOr(node)
  }

  protected override visitBinaryOperation(node: BinaryOperationNode): void {
    const values = valuesIn(node.rightOperand)
    if (!isIn(node.operator) || values === undefined || values.length <= shortList || !values.every(isPlain)) {
      super.visitBinaryOperation(node)
      return
    }
    this.visitNode(node.leftOperand)
    this.append(' ')
    this.visitNode(node.operator)
    this.append(' (select value from json_each(')
    this.appendValue(JSON.stringify(values))
    this.append('))')
  }
}

const isIn = (operator: OperationNode): boolean =>
  'operator' in operator && (operator.operator === 'in' || operator.operator === 'not in')

const valuesIn = (operand: OperationNode): readonly unknown[] | undefined =>
  operand.kind === 'PrimitiveValueListNode' && 'values' in operand ? (operand.values as readonly unknown[]) : undefined

/** The same in JSON as it would be bound. */
const isPlain = (value: unknown): boolean =>
  typeof value === 'string' || typeof value === 'boolean' || value === null || Number.isFinite(value)
