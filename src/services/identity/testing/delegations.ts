/**
 * A small world of users, projects and what they hand on, driven step by step, beside a model of what each thing may
 * give at the most: the user, place, roles, requests and end of what it was made from. Whatever a step gets that goes
 * beyond its model, and whatever lives on after what it was made by has ended, fails.
 */
import assert from 'node:assert/strict'
import type { Answer, TestIdentity } from './identity.ts'
import { keysOf, type Keys, type OAuthConsumer } from './oauth1.ts'
import {
  endOf,
  placeOf,
  rolesOf,
  type Grant,
  type Held,
  type People,
  type Shown,
  type Source,
  type User,
} from './people.ts'
import { signed } from './signed.ts'

/** One step: what is done, and numbers that choose among what there is. */
export interface Step {
  act: (typeof acts)[number]
  /** Which token, user or thing that was handed on. */
  pick: number
  other: number
  project: number
  roles: readonly string[]
  flag: boolean
  /** Minutes until the end of what is made. */
  minutes: number | undefined
}

export const acts = [
  'login',
  'rescope',
  'make application credential',
  'make trust',
  'make signature key',
  'change signature key',
  'make access token',
  'use',
  'use with a token',
  'end',
] as const

const isWithin = <T>(few: readonly T[], many: readonly T[]) => few.every((each) => many.includes(each))
const isOver = (source: Source | undefined): boolean => source !== undefined && (source.isOver || isOver(source.parent))

/** One of a list: every other time one of the newest, so that chains grow long. */
const chosen = <T>(list: readonly T[], number: number): T | undefined => {
  const place = Math.floor(number / 2)
  return number % 2 === 0 ? list.at(-1 - (place % Math.min(list.length, 4))) : list[place % list.length]
}

/** One sequence of steps of these people. */
export class Delegations {
  readonly #identity: TestIdentity
  readonly #people: People
  readonly #consumer: OAuthConsumer
  readonly #service: string
  readonly #users: readonly User[]
  readonly #projects: readonly string[]
  readonly #held: Held[]
  readonly #sources: Source[] = []
  /** How often each act got something. */
  readonly successes = new Map<string, number>()

  constructor(people: People, consumer: OAuthConsumer, service: string) {
    this.#identity = people.identity
    this.#people = people
    this.#users = people.users
    this.#projects = people.projects
    this.#held = [...people.logins]
    this.#consumer = consumer
    this.#service = service
  }

  /** Does one step, and looks whether what it got is within what it was made from. */
  async step(step: Step): Promise<void> {
    const got = await this.#act(step)
    if (got) this.successes.set(step.act, (this.successes.get(step.act) ?? 0) + 1)
  }

  #act(step: Step): Promise<boolean> {
    const held = chosen(this.#held, step.pick)!
    const source = chosen(this.#sources, step.other)
    const user = this.#users[step.pick % this.#users.length]!
    const { scopes } = this.#people
    const scope = scopes[step.other % scopes.length]
    switch (step.act) {
      case 'login':
        return this.#got(this.#people.login(user, scope), { user: user.id, ends: Infinity }, undefined)
      case 'rescope':
        return this.#got(this.#byToken(held, scope), held.grant, held.source)
      case 'make application credential':
        return this.#makeCredential(held, step)
      case 'make trust':
        return this.#makeTrust(held, step)
      case 'make signature key':
        return this.#makeKey(held, step, source)
      case 'change signature key':
        return source ? this.#changeKey(held, step, source) : Promise.resolve(false)
      case 'make access token':
        return this.#makeAccess(held, step)
      case 'use':
        return source ? this.#got(source.use(), source.grant, source) : Promise.resolve(false)
      case 'use with a token':
        return source ? this.#useByToken(held, source) : Promise.resolve(false)
      case 'end':
        return source ? this.#end(source) : Promise.resolve(false)
    }
  }

  #byToken({ token }: Held, scope: object | string | undefined): Promise<Answer> {
    return this.#identity.authenticate({ methods: ['token'], token: { id: token } }, scope)
  }

  /** A trust asked for with a token that may itself have been handed on: within both. */
  async #useByToken(held: Held, source: Source): Promise<boolean> {
    const answer = await this.#byToken(held, { 'OS-TRUST:trust': { id: source.id } })
    if (answer.status === 201)
      this.#require(answer.body['token'] as Shown, { ...source.grant, ends: held.grant.ends })
    return this.#got(Promise.resolve(answer), source.grant, source)
  }

  /** A token that was asked for, if it was given. */
  async #got(asked: Promise<Answer>, grant: Grant, source: Source | undefined): Promise<boolean> {
    const answer = await asked
    const token = answer.headers['X-Subject-Token']
    if (answer.status >= 300 || token === undefined) return false
    assert.ok(!isOver(source), `a token came from something that is over: ${source?.path}`)
    const shown = answer.body['token'] as Shown
    this.#require(shown, grant)
    // What was handed on stays what the first token shows; of a login only the end counts for its other scopes.
    const own = source ? { ...grant, place: placeOf(shown), roles: rolesOf(shown) } : grant
    this.#held.push({ token, grant: { ...own, ends: endOf(shown.expires_at) }, source })
    return true
  }

  #require(shown: Shown, grant: Grant): void {
    const place = placeOf(shown)
    const what = JSON.stringify({ shown: { user: shown.user.id, place, roles: rolesOf(shown) }, grant })
    assert.equal(shown.user.id, grant.user, what)
    if (grant.place !== undefined) assert.equal(place, grant.place, what)
    assert.ok(isWithin(rolesOf(shown), this.#rolesIn(grant, place)), what)
    assert.ok(endOf(shown.expires_at) <= grant.ends, `${shown.expires_at}: ${what}`)
  }

  #rolesIn({ user, roles }: Grant, place: string): readonly string[] {
    return roles ?? this.#users.find(({ id }) => id === user)?.rights.get(place) ?? []
  }

  /** Something that was made with a token: within what that gives, and not beyond its end if it was itself handed on. */
  #made(
    { grant: by, source: parent }: Held,
    grant: Grant,
    rest: Pick<Source, 'path' | 'id' | 'use'>,
    actor = grant.user,
  ) {
    const what = JSON.stringify({ made: rest.path, grant, by })
    assert.ok(!isOver(parent), `it was made by something that is over: ${what}`)
    assert.equal(actor, by.user, what)
    if (by.place !== undefined) assert.equal(grant.place, by.place, what)
    assert.ok(isWithin(grant.roles ?? [], this.#rolesIn(by, grant.place!)), what)
    assert.ok(grant.ends <= (parent?.grant.ends ?? Infinity), what)
    if (by.rules) assert.ok(grant.rules && isWithin(grant.rules, by.rules), what)
    this.#sources.push({ grant, parent, isOver: false, ...rest })
    return true
  }

  async #post(held: Held, path: string, body: object, method = 'POST'): Promise<Record<string, unknown> | undefined> {
    const answer = await this.#identity.request(method, path, { token: held.token, body })
    return answer.status < 300 ? answer.body : undefined
  }

  async #makeCredential(held: Held, { roles, flag, minutes, other }: Step): Promise<boolean> {
    const name = crypto.randomUUID()
    const own = '/v3/users/*/application_credentials'
    const rules = [own, '/v3/auth/projects'].slice(0, other % 3)
    const path = `/users/${held.grant.user}/application_credentials`
    const body = await this.#post(held, path, {
      application_credential: {
        name,
        unrestricted: flag,
        ...(roles.length > 0 && { roles: roles.map((role) => ({ name: role })) }),
        ...(minutes !== undefined && { expires_at: this.#end_at(minutes) }),
        ...(rules.length > 0 && {
          access_rules: rules.map((each) => ({ service: 'identity', method: 'POST', path: each })),
        }),
      },
    })
    if (!body) return false
    const made = body['application_credential'] as Shown & {
      id: string
      secret: string
      project_id: string
      access_rules?: { path: string }[]
    }
    const { id, secret } = made
    const grant = {
      user: held.grant.user,
      place: `project ${made.project_id}`,
      roles: rolesOf(made),
      ends: endOf(made.expires_at),
      ...(made.access_rules && { rules: made.access_rules.map((rule) => rule.path) }),
    }
    const use = () =>
      this.#identity.authenticate({ methods: ['application_credential'], application_credential: { id, secret } })
    return this.#made(held, grant, { id, path: `${path}/${id}`, use })
  }

  #end_at(minutes: number): string {
    return new Date(Date.now() + minutes * 60_000).toISOString()
  }

  async #makeTrust(held: Held, { project, roles, flag, minutes, other }: Step): Promise<boolean> {
    const trustee = this.#users[other % this.#users.length]!
    const body = await this.#post(held, '/OS-TRUST/trusts', {
      trust: {
        trustor_user_id: held.grant.user,
        trustee_user_id: trustee.id,
        project_id: this.#projects[project % 2],
        impersonation: flag,
        allow_redelegation: other % 2 === 0,
        roles: roles.map((role) => ({ name: role })),
        ...(minutes !== undefined && { expires_at: this.#end_at(minutes) }),
      },
    })
    if (!body) return false
    const made = body['trust'] as Shown & { id: string; project_id: string }
    const place = `project ${made.project_id}`
    // What a role implies comes along.
    const implied = ['admin', 'manager', 'member', 'reader']
    const given = implied.slice(Math.min(...rolesOf(made).map((role) => implied.indexOf(role))))
    const user = flag ? held.grant.user : trustee.id
    const grant = { user, place, roles: given, ends: endOf(made.expires_at) }
    const use = () => this.#people.login(trustee, { 'OS-TRUST:trust': { id: made.id } })
    return this.#made(held, grant, { id: made.id, path: `/OS-TRUST/trusts/${made.id}`, use }, held.grant.user)
  }

  async #makeKey(held: Held, { project, flag, other }: Step, source: Source | undefined): Promise<boolean> {
    const { user } = held.grant
    const projectId = this.#projects[project % 2]!
    const key = { access: crypto.randomUUID(), secret: 's' }
    const lie = source && other % 2 === 0 ? { trust_id: source.id, app_cred_id: source.id } : {}
    const blob = JSON.stringify({ ...key, ...lie })
    const credential = { type: 'ec2', user_id: user, project_id: projectId, blob }
    const body = flag
      ? await this.#post(held, '/credentials', { credential })
      : await this.#post(held, `/users/${user}/credentials/OS-EC2`, { tenant_id: projectId })
    if (!body) return false
    const { access, secret } = flag ? key : (body['credential'] as typeof key)
    const place = `project ${projectId}`
    const grant = { user, place, roles: this.#rolesIn(held.grant, place), ends: held.source?.grant.ends ?? Infinity }
    const use = () =>
      this.#identity.request('POST', '/ec2tokens', { token: this.#service, body: signed(access, secret) })
    return this.#made(held, grant, { id: access, path: `/users/${user}/credentials/OS-EC2/${access}`, use })
  }

  /** Whoever may not see a key cannot change it; who may cannot make it another's. */
  async #changeKey(held: Held, { other, flag }: Step, source: Source): Promise<boolean> {
    const listed = await this.#identity.request('GET', '/credentials?type=ec2', { token: held.token })
    const [credential] =
      (listed.body['credentials'] as { id: string; blob: string; user_id: string }[] | undefined) ?? []
    if (!credential) return false
    const lie = { trust_id: source.id, ...(flag && { app_cred_id: source.id }) }
    const blob = JSON.stringify({ ...(JSON.parse(credential.blob) as object), ...(other % 2 === 0 && lie) })
    const more = flag ? { user_id: held.grant.user, project_id: this.#projects[other % 2], type: 'foo' } : {}
    assert.equal(held.source, undefined, 'what was handed on sees no keys')
    return (
      (await this.#post(held, `/credentials/${credential.id}`, { credential: { blob, ...more } }, 'PATCH')) !==
      undefined
    )
  }

  async #makeAccess(held: Held, { project, roles }: Step): Promise<boolean> {
    const projectId = this.#projects[project % 2]!
    const request = await this.#consumer.askFor(projectId)
    const given = roles.map((role) => ({ name: role }))
    const body = await this.#post(held, `/OS-OAUTH1/authorize/${request.id}`, { roles: given }, 'PUT')
    if (!body) return false
    const { oauth_verifier: verifier } = body['token'] as { oauth_verifier: string }
    const access: Keys = keysOf(await this.#consumer.exchange(request, verifier))
    const { user } = held.grant
    const implied = ['admin', 'manager', 'member', 'reader']
    const grant = {
      user,
      place: `project ${projectId}`,
      roles: implied.slice(Math.min(...roles.map((role) => implied.indexOf(role)))),
      ends: Infinity,
    }
    const use = () => this.#consumer.login(access)
    return this.#made(held, grant, { id: access.id, path: `/users/${user}/OS-OAUTH1/access_tokens/${access.id}`, use })
  }

  /** Ends something; nothing that came from it lives on. */
  async #end(source: Source): Promise<boolean> {
    const answer = await this.#identity.request('DELETE', source.path)
    if (answer.status !== 204) return false
    source.isOver = true
    await this.look()
    return true
  }

  /** Looks at everything: tokens of what is over are none, the others are within what they were made from. */
  async look(): Promise<void> {
    for (const { token, grant, source } of this.#held) {
      const headers = { 'x-subject-token': token, 'openstack-identity-access-rules': '1.0' }
      const answer = await this.#identity.request('GET', '/auth/tokens', { headers })
      const ends = isOver(source) && !isKey(source)
      if (ends) assert.equal(answer.status, 404, `a token outlives what it came from: ${source?.path}`)
      if (answer.status === 200) this.#require(answer.body['token'] as Shown, grant)
    }
    for (const source of this.#sources.filter(isOver)) {
      const { status } = await source.use()
      assert.ok(status >= 400, `something outlives what it was made by: ${source.path}`)
    }
  }
}

/** Tokens of a key that was deleted last as long as other tokens, as in keystone. */
const isKey = (source: Source | undefined): boolean =>
  source !== undefined && source.isOver && source.path.includes('OS-EC2') && !isOver(source.parent)
