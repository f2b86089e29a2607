/** The body of POST /v3/auth/tokens. What a method needs is its own to say; the sizes are bounded here (A13). */
import { Type } from 'typebox'

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
