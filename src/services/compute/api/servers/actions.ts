import type { TSchema } from 'typebox'
import type { ResponseOf } from '../../../../platform/http/answers.ts'
import type { ApiRequest } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import { findProblem, schemaAt, type Bodies } from '../../../../platform/http/schema.ts'
import type { Rule } from '../../../../platform/auth/policy.ts'
import type { ComputeDeps } from '../../deps.ts'
import { Invalid } from '../../errors.ts'
import type { Server } from '../../model/server.ts'
import { actOnPower, powerActions, startDelete, type PowerAction } from '../../operations/change-server.ts'
import { consoleOutput, issueConsole } from '../../operations/consoles.ts'
import { lockServer, resetState, unlockServer } from '../../operations/lock-server.ts'
import { addGroup, asked, removeGroup } from '../../operations/security-groups.ts'
import * as groupPolicy from '../security-groups/policy.ts'
import { nameBody } from '../security-groups/schema.ts'
import { versions } from '../../versions.ts'
import { invalid } from '../invalid.ts'
import { actionAnswers, remoteConsoleAnswer } from './answers.ts'
import { findFor, mayOverrideLock } from './find.ts'
import * as policy from './policy.ts'
import * as schema from './schema.ts'

interface Action {
  rule: Rule
  body?: TSchema | Bodies
  /** Exists before that change only. */
  until?: string
  run(input: {
    request: ApiRequest
    deps: ComputeDeps
    server: Server
    value: unknown
  }): Promise<ResponseOf<typeof actionAnswers>>
}

const powered = (rule: Rule, action: PowerAction): Action => ({
  rule,
  async run({ request: { ctx }, deps, server }) {
    await actOnPower(ctx, deps, server.id, action, mayOverrideLock(ctx, server))
    return { status: 202 }
  },
})

const withGroup = (rule: Rule, change: typeof addGroup): Action => ({
  rule,
  body: nameBody,
  async run({ request: { ctx }, deps, server, value }) {
    await asked(() => change(ctx, deps, server, (value as { name: string }).name))
    return { status: 202 }
  },
})

/** What `POST /servers/{id}/action` can do, by the key of its body. */
const actions: Record<string, Action> = {
  'os-start': powered(policy.start, powerActions.start),
  'os-stop': powered(policy.stop, powerActions.stop),
  pause: powered(policy.pause, powerActions.pause),
  unpause: powered(policy.unpause, powerActions.unpause),
  reboot: {
    rule: policy.reboot,
    body: schema.rebootBody,
    async run({ request: { ctx }, deps, server, value }) {
      const isHard = (value as { type: string }).type.toUpperCase() === 'HARD'
      await actOnPower(
        ctx,
        deps,
        server.id,
        isHard ? powerActions.hardReboot : powerActions.softReboot,
        mayOverrideLock(ctx, server),
      )
      return { status: 202 }
    },
  },
  lock: {
    rule: policy.lock,
    body: schema.lockBody,
    async run({ request: { ctx, version }, deps, server, value }) {
      // Before 2.73 whatever came with it meant nothing.
      const said = version.has('server-locked-reason') ? (value as { locked_reason?: string } | null) : null
      const reason = said?.locked_reason ?? null
      await lockServer(ctx, deps, server, reason)
      return { status: 202 }
    },
  },
  unlock: {
    rule: policy.unlock,
    async run({ request: { ctx }, deps, server }) {
      if (server.lockedBy === 'admin')
        ctx.authorize(policy.unlockOverride, { project_id: server.projectId, user_id: server.userId })
      await unlockServer(ctx, deps, server)
      return { status: 202 }
    },
  },
  forceDelete: {
    rule: policy.forceDelete,
    async run({ request: { ctx }, deps, server }) {
      await startDelete(ctx, deps, server.id, mayOverrideLock(ctx, server))
      return { status: 202 }
    },
  },
  'os-resetState': {
    rule: policy.resetState,
    body: schema.resetBody,
    async run({ request: { ctx }, deps, server, value }) {
      await resetState(ctx, deps, server, (value as { state: 'active' | 'error' }).state)
      return { status: 202 }
    },
  },
  addSecurityGroup: withGroup(groupPolicy.add, addGroup),
  removeSecurityGroup: withGroup(groupPolicy.take, removeGroup),
  'os-getConsoleOutput': {
    rule: policy.consoleOutput,
    body: schema.consoleOutputBody,
    async run({ deps, server, value }) {
      const length = (value as { length?: number | string | null }).length
      const lines = length === undefined || length === null || Number(length) < 0 ? null : Number(length)
      return { status: 200, body: { output: await consoleOutput(deps, server, lines) } }
    },
  },
  'os-getVNCConsole': {
    rule: policy.remoteConsoles,
    body: schema.vncBody,
    until: 'remote-consoles',
    async run({ deps, server, value }) {
      const { type } = value as { type: string }
      return { status: 200, body: { console: { type, url: await issueConsole(deps, server, type) } } }
    },
  },
}

export const actionRoutes = [
  route({
    method: 'POST',
    path: '/servers/:id/action',
    policy: Object.values(actions).map(({ rule }) => rule),
    body: schema.actionBody,
    answer: actionAnswers,
    async handle(request, deps) {
      const [name, value] = Object.entries(request.body)[0]!
      const action = Object.hasOwn(actions, name) ? actions[name]! : undefined
      if (!action || (action.until && request.version.has(action.until)))
        throw new Invalid(`There is no such action: ${name}`)
      const schema = schemaAt(action.body, request.version, versions)
      const problem = schema && findProblem(schema, value)
      if (problem) throw invalid({ ...problem, path: [name, ...problem.path] }, 'body')
      const server = await findFor(request.ctx, deps, request.params.id, action.rule)
      return action.run({ request: request as ApiRequest, deps, server, value })
    },
  }),
  route({
    method: 'POST',
    path: '/servers/:id/remote-consoles',
    since: 'remote-consoles',
    policy: policy.remoteConsoles,
    body: schema.remoteConsoleBody,
    answer: { 200: remoteConsoleAnswer },
    async handle({ ctx, params, body }, deps) {
      const server = await findFor(ctx, deps, params.id, policy.remoteConsoles)
      const { protocol, type } = body.remote_console
      if (protocol !== 'vnc') throw new Invalid(`Invalid console type ${type}`)
      return { status: 200, body: { remote_console: { protocol, type, url: await issueConsole(deps, server, type) } } }
    },
  }),
]
