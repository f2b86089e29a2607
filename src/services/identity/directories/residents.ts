/**
 * The users and groups of directories, brought into the database when somebody asks for them. The directory is asked
 * first and outside of any transaction; what it says is written in one, or not at all.
 */
import { Forbidden } from '../../../platform/errors.ts'
import { isDuplicate, type Database } from '../../../platform/db/database.ts'
import type { NameFilter } from '../drivers/driver.ts'
import {
  findMapping,
  mirrorGroups,
  mirrorUsers,
  removeMirrored,
  replaceMemberships,
  type Among,
  type Mirrored,
} from '../store/mirror.ts'
import { findRow, type IdentityDb, type Row } from '../store/rows.ts'
import type { IdentitySchema } from '../store/tables.ts'
import type { Directories } from './directories.ts'
import type { DomainDirectory } from './domain-directory.ts'

interface Options {
  database: Database<IdentitySchema>
  directories: Directories
  /** How long a user is taken for what he was when the directory was asked. */
  keepMs: number
  /** Says that rows have changed. */
  changed(): void
}

type Resident = { home: DomainDirectory; localId: string }

const filterOf = (name: string | undefined): NameFilter | undefined =>
  name === undefined ? undefined : { comparator: 'equals', value: name }
const amongNamed = (name: string | undefined): Among => (name === undefined ? 'all' : { named: name })

/** Beyond so many users all are asked again. */
const most = 50_000
/** Each time somebody else can have made another row. */
const mostAttempts = 10

export class Residents {
  readonly #options: Options
  /** Until when what is known of a user counts; for ever of those who live in the database. */
  #fresh = new Map<string, number>()
  readonly #asking = new Map<string, Promise<void>>()

  constructor(options: Options) {
    this.#options = options
  }

  get #db(): IdentityDb {
    return this.#options.database.db
  }

  /**
   * What has to be waited for until the rows of a user say what his directory says; undefined when they do. Costs
   * nothing where no domain has a directory.
   */
  whenFresh(userId: string): Promise<void> | undefined {
    if (!this.#options.directories.isInUse) return undefined
    if ((this.#fresh.get(userId) ?? 0) > Date.now()) return undefined
    return this.refreshUser(userId)
  }

  /** Asks the directory of a user for him and his groups, where he has one. Throws Unavailable. */
  async refreshUser(userId: string): Promise<void> {
    if (!this.#options.directories.isInUse) return
    const running = this.#asking.get(userId)
    if (running) return running
    const asking = this.#refreshUser(userId).finally(() => this.#asking.delete(userId))
    this.#asking.set(userId, asking)
    return asking
  }

  async refreshGroup(groupId: string): Promise<void> {
    const resident = await this.#resident(groupId, 'group')
    if (!resident) return
    const { home, localId } = resident
    const group = await home.ask((directory) => directory.findGroup(localId))
    await this.#write(async (tx) => {
      if (group) return mirrorGroups(tx, home.target('group'), [group])
      await removeMirrored(tx, 'group', groupId)
      return { isChanged: true }
    })
  }

  /** A user by his name in the directory; `undefined` when there is none. Only for domains that have one. */
  async userNamed(home: DomainDirectory, name: string): Promise<Row<'users'> | undefined> {
    const user = await home.ask((directory) => directory.findUserByName(name))
    if (!user) return undefined
    const groups = await home.ask((directory) => directory.groupsOf(user.localId))
    const { ids } = await this.#write(async (tx) => {
      const users = await mirrorUsers(tx, home.target('user'), [user])
      return { ...users, isChanged: (await this.#join(tx, home, users, user.localId, groups)) || users.isChanged }
    })
    const id = ids.get(user.localId)
    return id === undefined ? undefined : findRow(this.#db, 'users', { id })
  }

  /** True when the directory takes the password; for nobody (undefined) it is asked all the same (A9). */
  async checkPassword(home: DomainDirectory, user: Row<'users'> | undefined, password: string): Promise<boolean> {
    const mapping = user && (await findMapping(this.#db, user.id))
    return home.ask((directory) =>
      mapping ? directory.checkPassword(mapping.local_id, password) : directory.refusePassword(password),
    )
  }

  /** Brings the users of a domain up to date, or those of that name. */
  async listUsers(domainId: string, name?: string): Promise<void> {
    const home = await this.#options.directories.of(domainId)
    if (!home) return
    const users = await home.ask((directory) => directory.listUsers(filterOf(name)))
    await this.#write((tx) => mirrorUsers(tx, home.target('user'), users, amongNamed(name)))
  }

  async listGroups(domainId: string, name?: string): Promise<void> {
    const home = await this.#options.directories.of(domainId)
    if (!home) return
    const groups = await home.ask((directory) => directory.listGroups(filterOf(name)))
    await this.#write((tx) => mirrorGroups(tx, home.target('group'), groups, amongNamed(name)))
  }

  /** Brings the members of a group up to date. */
  async listMembers(groupId: string): Promise<void> {
    const resident = await this.#resident(groupId, 'group')
    if (!resident) return
    const { home, localId } = resident
    const members = await home.ask((directory) => directory.membersOf(localId))
    await this.#write(async (tx) => {
      const { ids, isChanged } = await mirrorUsers(tx, home.target('user'), members)
      return { isChanged: (await replaceMemberships(tx, { group_id: groupId }, [...ids.values()])) || isChanged }
    })
  }

  /** Throws Forbidden for a domain whose users and groups live in a directory: those are only read. */
  async requireWritable(domainId: string): Promise<void> {
    if (await this.#options.directories.of(domainId)) throw new Forbidden('LDAP does not support write operations')
  }

  async #refreshUser(userId: string): Promise<void> {
    const resident = await this.#resident(userId, 'user')
    if (!resident) return this.#remember(userId, Infinity)
    const { home, localId } = resident
    const user = await home.ask((directory) => directory.findUser(localId))
    const groups = user ? await home.ask((directory) => directory.groupsOf(localId)) : []
    await this.#write(async (tx) => {
      if (!user) {
        const wasThere = (await findRow(tx, 'users', { id: userId })) !== undefined
        await removeMirrored(tx, 'user', userId)
        return { isChanged: wasThere }
      }
      const users = await mirrorUsers(tx, home.target('user'), [user])
      return { isChanged: (await this.#join(tx, home, users, localId, groups)) || users.isChanged }
    })
    this.#remember(userId, Date.now() + this.#options.keepMs)
  }

  async #join(
    tx: IdentityDb,
    home: DomainDirectory,
    users: Mirrored,
    localId: string,
    groups: Parameters<typeof mirrorGroups>[2],
  ): Promise<boolean> {
    const userId = users.ids.get(localId)
    if (userId === undefined) return false
    const { ids, isChanged } = await mirrorGroups(tx, home.target('group'), groups)
    return (await replaceMemberships(tx, { user_id: userId }, [...ids.values()])) || isChanged
  }

  async #resident(publicId: string, kind: 'user' | 'group'): Promise<Resident | undefined> {
    if (!this.#options.directories.isInUse) return undefined
    const mapping = await findMapping(this.#db, publicId)
    if (!mapping || mapping.entity_type !== kind) return undefined
    const home = await this.#options.directories.of(mapping.domain_id)
    return home && { home, localId: mapping.local_id }
  }

  async #write<T extends { isChanged: boolean }>(work: (tx: IdentityDb) => Promise<T>): Promise<T> {
    const result = await this.#transaction(work)
    if (result.isChanged) this.#options.changed()
    return result
  }

  /** Others may write the same rows at the same time: then they are there, and all is looked at anew. */
  async #transaction<T>(work: (tx: IdentityDb) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#options.database.transaction(work)
      } catch (error) {
        if (attempt >= mostAttempts || !isDuplicate(error)) throw error
        await new Promise((resolve) => setTimeout(resolve, attempt * 10 * Math.random()))
      }
    }
  }

  #remember(userId: string, until: number): void {
    if (this.#fresh.size >= most) this.#fresh = new Map()
    this.#fresh.set(userId, until)
  }
}
