/**
 * How every operation of placement begins: media types, policy and the provider of the path are looked at before the
 * body, in upstream's order (`PlacementWsgify` and its decorators).
 */
import { HttpError } from '../../../platform/http/errors.ts'
import type { TSchema } from 'typebox'
import type { Answers } from '../../../platform/http/answers.ts'
import { Invalid, Forbidden } from '../../../platform/errors.ts'
import type { PolicyTarget } from '../../../platform/auth/policy.ts'
import type { HandlerOf, Method, Query, Route, UnreadRequest } from '../../../platform/http/route.ts'
import { route } from './route.ts'
import type { PlacementDeps } from '../deps.ts'
import { policy } from '../policies.ts'
import { getProvider } from '../operations/providers.ts'
import type { Bodies } from '../../../platform/http/schema.ts'

interface Endpoint<
  Path extends string,
  B extends TSchema | Bodies | undefined,
  Q extends TSchema | Bodies | undefined,
  A extends Answers,
> {
  method: Method
  path: Path
  since?: string
  until?: string
  /** Name of the rule after `placement:`. */
  policy: string
  query?: Q
  body?: B
  answer: A
  bodyLimit?: number
  /** True where a provider that does not exist is told before the body is looked at. */
  needsProvider?: boolean
  /** What the policy is asked about, where it is not the caller's own project. */
  target?(query: Query): PolicyTarget
  handle: HandlerOf<Path, B, Q, A, PlacementDeps>
}

const json = 'application/json'

/** Declares an operation of placement. */
export function endpoint<
  const Path extends string,
  A extends Answers,
  B extends TSchema | Bodies | undefined = undefined,
  Q extends TSchema | Bodies | undefined = undefined,
>(definition: Endpoint<Path, B, Q, A>): Route<PlacementDeps> {
  const { needsProvider = false, policy: name, target, ...rest } = definition
  const rule = policy(name)
  return route({
    ...rest,
    policy: rule,
    async admit(request, deps) {
      checkContentType(request, definition.body !== undefined)
      if (definition.method === 'GET') checkAccept(request)
      const { ctx } = request
      // Every rule is about projects: who administers the system or a domain does not thereby administer placement.
      if (deps.settings.enforceScope && (ctx.systemScope !== null || ctx.domainId !== null)) {
        throw new Forbidden(`Policy does not allow ${rule.name} to be performed.`)
      }
      ctx.authorize(rule, target?.(request.query) ?? { project_id: ctx.projectId, user_id: ctx.userId })
      const { uuid = '' }: { uuid?: string } = request.params
      if (needsProvider) await getProvider(deps.database.db, uuid)
    },
  })
}

function checkContentType({ headers }: UnreadRequest, needsBody: boolean) {
  const type = headers['content-type']
  if (!type && Number(headers['content-length'] ?? 0) > 0) {
    throw new Invalid('content-type header required when content-length > 0')
  }
  if (!needsBody) return
  const plain = type?.split(';')[0]!.trim().toLowerCase()
  if (plain !== json) throw new HttpError(415, `The media type ${plain ?? 'None'} is not supported, use ${json}`)
}

/** Throws 406 when the client says what it takes and JSON is none of it. */
function checkAccept({ headers }: UnreadRequest) {
  const { accept } = headers
  if (!accept) return
  const takes = accept.split(',').some((part) => {
    const [range = '', ...parameters] = part.split(';').map((each) => each.trim().toLowerCase())
    return [json, 'application/*', '*/*'].includes(range) && !parameters.some((each) => /^q=0(\.0*)?$/.test(each))
  })
  if (!takes) throw new HttpError(406, `Only ${json} is provided`)
}
