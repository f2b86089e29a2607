/**
 * Users, projects and roles as tokens see them. What was read is kept until something changes, so that issuing and
 * validating many tokens of the same people costs few queries.
 */
import { effectiveRoles, type RoleRef, type TargetType } from '../store/roles.ts'
import { findRow, type IdentityDb, type Row } from '../store/rows.ts'

/** Beyond so many entries all are dropped: they are cheap to read again. */
const most = 50_000

export class Register {
  readonly db: IdentityDb
  /** What is being read when a change comes is put where nobody looks any more. */
  #known = new Map<string, Promise<unknown>>()

  constructor(db: IdentityDb) {
    this.db = db
  }

  /** Drops what is kept. */
  changed() {
    this.#known = new Map()
  }

  user(id: string): Promise<Row<'users'> | undefined> {
    return this.#once(`user ${id}`, () => findRow(this.db, 'users', { id }))
  }

  /** Domains are projects, too. */
  project(id: string): Promise<Row<'projects'> | undefined> {
    return this.#once(`project ${id}`, () => findRow(this.db, 'projects', { id }))
  }

  /** A domain has no domain of its own: `''`. */
  projectNamed(name: string, domainId: string): Promise<Row<'projects'> | undefined> {
    const where = { name, domain_id: domainId, is_domain: domainId === '' ? 1 : 0 }
    return this.#once(`named ${domainId} ${name}`, () => findRow(this.db, 'projects', where))
  }

  /** A user's roles on a target, his groups' and inherited ones included. */
  roles(userId: string, type: TargetType, targetId: string): Promise<RoleRef[]> {
    return this.#once(`roles ${userId} ${type} ${targetId}`, () => effectiveRoles(this.db, userId, type, targetId))
  }

  #once<T>(key: string, read: () => Promise<T>): Promise<T> {
    const known = this.#known
    const before = known.get(key)
    if (before) return before as Promise<T>
    if (known.size >= most) known.clear()
    const reading = read()
    known.set(key, reading)
    // A failed query is asked again, and so is what was not there.
    reading.then(
      (found) => found === undefined && known.delete(key),
      () => known.delete(key),
    )
    return reading
  }
}
