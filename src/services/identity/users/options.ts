/** Resource options of users, as keystone names them, and their schema. */
import { Type } from 'typebox'

const flag = Type.Optional(Type.Union([Type.Boolean(), Type.Null()]))

/** Null removes an option. */
export const userOptions = Type.Object(
  {
    ignore_change_password_upon_first_use: flag,
    ignore_password_expiry: flag,
    ignore_lockout_failure_attempts: flag,
    lock_password: flag,
    ignore_user_inactivity: flag,
    multi_factor_auth_enabled: flag,
    multi_factor_auth_rules: Type.Optional(
      Type.Union([
        Type.Null(),
        Type.Array(Type.Array(Type.String(), { minItems: 1, uniqueItems: true }), { uniqueItems: true }),
      ]),
    ),
  },
  { additionalProperties: false },
)

export interface UserOptions {
  ignore_change_password_upon_first_use?: boolean
  ignore_password_expiry?: boolean
  ignore_lockout_failure_attempts?: boolean
  lock_password?: boolean
  ignore_user_inactivity?: boolean
  multi_factor_auth_enabled?: boolean
  multi_factor_auth_rules?: string[][]
}

export const optionsOf = (row: { options: string }): UserOptions => JSON.parse(row.options) as UserOptions

/** Options after a change: those that are null go. */
export function mergeOptions(before: string, changes: object | undefined): string {
  const merged = { ...(JSON.parse(before) as object), ...changes }
  return JSON.stringify(Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null)))
}
