/** Logins through a web server in front: for programs that follow it (`…/auth`), and for browsers (`…/websso`). */
import { Invalid, Unauthorized } from '../../../../platform/errors.ts'
import { last, type ApiRequest, type Query } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import { authenticate, type Outcome } from '../../auth/authenticate.ts'
import { methodNamed } from '../../auth/registry.ts'
import type { IdentityDeps } from '../../deps.ts'
import { IdentityNotFound } from '../../errors.ts'
import { remoteIdAttribute } from '../../operations/federated-login.ts'
import { findIdpIdByRemoteId, listProtocolsNamed } from '../../store/federation.ts'
import { answerLogin, answerReceipt } from '../tokens/answer.ts'
import { answerSsoPage } from './sso-page.ts'
import { loginAnswers, receiptAnswers } from '../tokens/schema.ts'

const ofProvider = '/identity_providers/:idp_id/protocols/:protocol_id'

/** The protocol's own method where there is one by its name (`saml2`, `openid`), else `mapped`. */
function logIn(deps: IdentityDeps, { headers, peer, url }: ApiRequest, idpId: string, protocolId: string) {
  const method = methodNamed(protocolId, deps.config.authMethods) ? protocolId : 'mapped'
  const identity = { methods: [method], [method]: { identity_provider: idpId, protocol: protocolId } }
  return authenticate(deps, { identity }, { headers, peer, path: url })
}

/** The dashboard to send the browser back to: only one that the operator trusts ever gets a token. */
function originOf({ config }: IdentityDeps, query: Query): string {
  const origin = last(query, 'origin')
  if (!origin) throw new Invalid('Request must have an origin query parameter')
  const host = unquote(origin)
  if (!config.trustedDashboards.some((trusted) => lowerCaseHost(trusted) === host))
    throw new Unauthorized(`${host} is not a trusted dashboard host`)
  return host
}

function unquote(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

const lowerCaseHost = (address: string): string =>
  address.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/]*)/i, (beginning) => beginning.toLowerCase())

async function answerBrowser(deps: IdentityDeps, host: string, outcome: Outcome) {
  if (outcome.kind === 'receipt') return answerReceipt(deps, outcome)
  return answerSsoPage(deps.config.ssoCallbackTemplate, { host, token: outcome.token })
}

/** The identity provider that the assertion names. */
async function assertedProvider(deps: IdentityDeps, request: ApiRequest, protocolId: string): Promise<string> {
  const { db } = deps.database
  const assertion = deps.proxies.assertionOf(request)
  const protocols = await listProtocolsNamed(db, protocolId)
  const names = new Set(protocols.map((protocol) => remoteIdAttribute(deps, protocol)).filter((name) => name !== ''))
  const remoteId = [...names].map((name) => assertion.attribute(name)).find((value) => value !== undefined)
  if (remoteId === undefined) throw new Unauthorized('Missing entity ID from environment')
  const idpId = await findIdpIdByRemoteId(db, remoteId)
  if (idpId === undefined) throw new IdentityNotFound('Identity Provider', remoteId)
  return idpId
}

const open = { policy: null, auth: 'none' } as const // the assertion is the proof
const browserAnswers = { 200: 'text/html', ...receiptAnswers } as const
const both = ['GET', 'POST'] as const

export const federatedLoginRoutes = both.flatMap((method) => [
  route({
    ...open,
    method,
    path: `/OS-FEDERATION${ofProvider}/auth`,
    stream: true, // what identity providers post is for the web server in front
    answer: loginAnswers,
    async handle(request, deps) {
      const { idp_id: idpId, protocol_id: protocolId } = request.params
      return answerLogin(deps, await logIn(deps, request, idpId!, protocolId!), {
        withCatalog: true,
        requestId: request.ctx.requestId,
      })
    },
  }),
  route({
    ...open,
    method,
    path: `/auth/OS-FEDERATION${ofProvider}/websso`,
    stream: true,
    answer: browserAnswers,
    async handle(request, deps) {
      const host = originOf(deps, request.query)
      const { idp_id: idpId, protocol_id: protocolId } = request.params
      return answerBrowser(deps, host, await logIn(deps, request, idpId!, protocolId!))
    },
  }),
  route({
    ...open,
    method,
    path: '/auth/OS-FEDERATION/websso/:protocol_id',
    stream: true,
    answer: browserAnswers,
    async handle(request, deps) {
      const host = originOf(deps, request.query)
      const protocolId = request.params.protocol_id
      const idpId = await assertedProvider(deps, request, protocolId)
      return answerBrowser(deps, host, await logIn(deps, request, idpId, protocolId))
    },
  }),
])
