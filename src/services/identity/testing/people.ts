/** Users of a few projects for tests of what they hand on, with the rights that they have themselves. */
import type { Answer, TestIdentity } from './identity.ts'

/** What something gives at the most. */
export interface Grant {
  user: string
  /** Absent: wherever the user has roles. */
  place?: string
  /** Absent: those that the user has there. */
  roles?: readonly string[]
  /** Paths that it is limited to. */
  rules?: readonly string[]
  ends: number
}

/** Something that was handed on and makes tokens. */
export interface Source {
  grant: Grant
  parent: Source | undefined
  isOver: boolean
  /** Path to delete it at. */
  path: string
  id: string
  use(): Promise<Answer>
}

export interface Held {
  token: string
  grant: Grant
  /** Absent for the token of a login. */
  source: Source | undefined
}

export interface User {
  id: string
  password: string
  /** Roles by place. */
  rights: Map<string, readonly string[]>
}

export interface Shown {
  user: { id: string }
  project?: { id: string }
  domain?: { id: string }
  system?: object
  roles?: { name: string }[]
  expires_at: string
}

export const placeOf = ({ project, domain, system }: Shown): string =>
  project ? `project ${project.id}` : domain ? `domain ${domain.id}` : system ? 'system' : 'nowhere'
export const rolesOf = ({ roles = [] }: Shown) => roles.map(({ name }) => name)
export const endOf = (time: string | null | undefined) =>
  time == null ? Infinity : Date.parse(time.replace(/Z?$/, 'Z'))

/** An administrator of one project and member of another, who may read the system; and a member of each. */
export class People {
  readonly identity: TestIdentity
  readonly users: User[] = []
  readonly projects: string[] = []
  /** Tokens of their logins, for every scope that they can have. */
  readonly logins: Held[] = []

  constructor(identity: TestIdentity) {
    this.identity = identity
  }

  static async create(identity: TestIdentity): Promise<People> {
    const people = new People(identity)
    for (const name of ['one', 'two'])
      people.projects.push((await identity.make('POST', '/projects', { project: { name } })).id)
    const [one, two] = people.projects
    await people.#add({ [`/projects/${one}`]: 'admin', [`/projects/${two}`]: 'member', '/system': 'reader' })
    await people.#add({ [`/projects/${one}`]: 'member', '/domains/default': 'reader' })
    await people.#add({ [`/projects/${two}`]: 'member' })
    return people
  }

  async #add(grants: Record<string, string>): Promise<void> {
    const user = { name: crypto.randomUUID(), password: 'secret' }
    const { id } = await this.identity.make('POST', '/users', { user })
    for (const [place, role] of Object.entries(grants)) await this.identity.grant(role, `${place}/users/${id}`)
    const added: User = { id, password: user.password, rights: new Map() }
    this.users.push(added)
    for (const scope of this.scopes) {
      const answer = await this.login(added, scope)
      if (answer.status !== 201) continue
      const shown = answer.body['token'] as Shown
      added.rights.set(placeOf(shown), rolesOf(shown))
      this.logins.push({
        token: answer.headers['X-Subject-Token']!,
        grant: { user: id, ends: Infinity },
        source: undefined,
      })
    }
  }

  get scopes(): (object | string | undefined)[] {
    const projects = this.projects.map((id) => ({ project: { id } }))
    return [...projects, { domain: { id: 'default' } }, { system: { all: true } }, 'unscoped', undefined]
  }

  login({ id, password }: User, scope: object | string | undefined): Promise<Answer> {
    return this.identity.authenticate({ methods: ['password'], password: { user: { id, password } } }, scope)
  }
}
