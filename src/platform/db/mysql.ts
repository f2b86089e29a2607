import { MysqlDialect, MysqlQueryCompiler, type AndNode, type OrNode } from 'kysely'
import { requireShallow } from './query-size.ts'

/** Kysely's dialect, with the bound on conditions that the other engine has. */
export class BoundedMysqlDialect extends MysqlDialect {
  override createQueryCompiler(): MysqlQueryCompiler {
    return new BoundedMysqlCompiler()
  }
}

class BoundedMysqlCompiler extends MysqlQueryCompiler {
  protected override visitAnd(node: AndNode): void {
    requireShallow(this.nodeStack.length)
    super.visitAnd(node)
  }

  protected override visitOr(node: OrNode): void {
    requireShallow(this.nodeStack.length)
    super.visitOr(node)
  }
}
