/** The body of POST /v3/auth/tokens. What a method needs is its own to say; the sizes are bounded here (A13). */
import { Type } from 'typebox'
import { exactly, nullable, type Shown } from '../../../../platform/http/answers.ts'

const text = Type.String({ maxLength: 8192 })
const domain = Type.Object({ id: Type.Optional(text), name: Type.Optional(text) })
const named = { id: Type.Optional(text), name: Type.Optional(text), domain: Type.Optional(domain) }
const userWith = (secret: string) =>
  Type.Object({ user: Type.Optional(Type.Object({ ...named, [secret]: Type.Optional(text) })) })

export const authBody = Type.Object({
  auth: Type.Object({
    identity: Type.Object({
      methods: Type.Array(text, { maxItems: 20 }),
      password: Type.Optional(userWith('password')),
      totp: Type.Optional(userWith('passcode')),
      token: Type.Optional(Type.Object({ id: text })),
      application_credential: Type.Optional(
        Type.Object({
          id: Type.Optional(text),
          name: Type.Optional(text),
          secret: Type.Optional(text),
          user: Type.Optional(Type.Object(named)),
        }),
      ),
    }),
    scope: Type.Optional(
      Type.Union([
        text,
        Type.Object({
          project: Type.Optional(Type.Object(named)),
          domain: Type.Optional(domain),
          system: Type.Optional(Type.Object({ all: Type.Optional(Type.Boolean()) })),
          unscoped: Type.Optional(Type.Object({})),
          'OS-TRUST:trust': Type.Optional(Type.Object({ id: Type.Optional(text) })),
        }),
      ]),
    ),
  }),
})

const shown = Type.String()
const id = exactly({ id: shown })
const owner = exactly({ id: shown, name: shown })
const serviceOfCatalog = exactly({
  id: shown,
  type: shown,
  name: shown,
  endpoints: Type.Array(
    exactly({
      id: shown,
      interface: shown,
      region_id: nullable(shown),
      region: nullable(shown),
      url: shown,
    }),
  ),
})
export const catalogAnswer = Type.Array(serviceOfCatalog)

const federation = exactly({ groups: Type.Array(id), identity_provider: id, protocol: id })
const accessRule = exactly({ id: shown, service: shown, method: shown, path: shown })

/** What a token was delegated by. */
const delegation = {
  'OS-OAUTH1': Type.Optional(exactly({ access_token_id: shown, consumer_id: shown })),
  'OS-TRUST:trust': Type.Optional(
    exactly({ id: shown, trustor_user: id, trustee_user: id, impersonation: Type.Boolean() }),
  ),
  application_credential: Type.Optional(
    exactly({
      id: shown,
      name: shown,
      restricted: Type.Boolean(),
      access_rules: Type.Optional(Type.Array(accessRule)),
    }),
  ),
  oauth2_credential: Type.Optional(exactly({ 'x5t#S256': shown })),
}
const token = exactly({
  methods: Type.Array(shown),
  user: exactly({
    domain: owner,
    id: shown,
    name: shown,
    password_expires_at: Type.Optional(nullable(shown)),
    'OS-FEDERATION': Type.Optional(federation),
  }),
  audit_ids: Type.Array(shown),
  expires_at: shown,
  issued_at: shown,
  project: Type.Optional(exactly({ domain: owner, id: shown, name: shown })),
  is_domain: Type.Optional(Type.Boolean()),
  domain: Type.Optional(owner),
  system: Type.Optional(exactly({ all: Type.Boolean() })),
  roles: Type.Optional(Type.Array(owner)),
  service_providers: Type.Optional(Type.Array(exactly({ id: shown, auth_url: shown, sp_url: shown }))),
  catalog: Type.Optional(catalogAnswer),
  ...delegation,
})
export type ShownToken = Shown<typeof token>
export const tokenAnswer = exactly({ token })

/** A proof that is not enough yet. */
const receiptAnswer = exactly({
  receipt: exactly({
    methods: Type.Array(shown),
    user: exactly({ id: shown, name: shown, domain: owner }),
    expires_at: shown,
    issued_at: shown,
  }),
  required_auth_methods: Type.Array(Type.Array(shown)),
})
export const receiptAnswers = { 401: receiptAnswer } as const
export const loginAnswers = { 201: tokenAnswer, ...receiptAnswers } as const
