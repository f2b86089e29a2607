/** Where a domain's users and groups live when not in this service's database. Directories are only read. */

export interface DirectoryUser {
  /** Its id in the directory. */
  readonly localId: string
  readonly name: string
  readonly enabled: boolean
  readonly defaultProjectId: string | null
  /** E-mail, description and what the configuration maps besides. */
  readonly extra: Readonly<Record<string, string>>
}

export interface DirectoryGroup {
  readonly localId: string
  readonly name: string
  readonly description: string
  readonly extra: Readonly<Record<string, string>>
}

export interface NameFilter {
  readonly comparator: 'equals' | 'contains' | 'startswith' | 'endswith'
  readonly value: string
}

/** One directory. Every method rejects with DirectoryDown when it does not answer in time. */
export interface Directory {
  findUser(localId: string): Promise<DirectoryUser | undefined>
  findUserByName(name: string): Promise<DirectoryUser | undefined>
  listUsers(name?: NameFilter): Promise<DirectoryUser[]>
  findGroup(localId: string): Promise<DirectoryGroup | undefined>
  findGroupByName(name: string): Promise<DirectoryGroup | undefined>
  listGroups(name?: NameFilter): Promise<DirectoryGroup[]>
  groupsOf(localUserId: string): Promise<DirectoryGroup[]>
  /** Those of the members that are users of this directory. */
  membersOf(localGroupId: string): Promise<DirectoryUser[]>
  /** True when the user can log in to the directory with that password. */
  checkPassword(localUserId: string, password: string): Promise<boolean>
  /** Takes as long as `checkPassword` for a user that is not there, so that nobody can tell. Always false. */
  refusePassword(password: string): Promise<false>
  close(): Promise<void>
}

/** The directory does not answer, refuses this service's own login or answers nonsense. */
export class DirectoryDown extends Error {}
