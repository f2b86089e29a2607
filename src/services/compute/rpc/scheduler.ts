import { Type, type Static } from 'typebox'
import { defineContract } from '../../../platform/rpc/contract.ts'

/** What a user may say of the host that he wants. */
export const hints = Type.Object({
  group: Type.Optional(Type.String()),
  differentHost: Type.Array(Type.String()),
  sameHost: Type.Array(Type.String()),
  requestedHost: Type.Union([Type.Null(), Type.String()]),
})
export type Hints = Static<typeof hints>

const place = Type.Object({ host: Type.String(), node: Type.String(), providerId: Type.String() })

/** nova-conductor asks nova-scheduler. */
export const schedulerContract = defineContract({
  topic: 'scheduler',
  version: '1.0',
  methods: {
    /** Chooses a host for a server and claims its resources there; or says why there is none. */
    selectDestination: {
      args: Type.Object({ serverId: Type.String(), hints, triedHosts: Type.Array(Type.String()) }),
      reply: Type.Union([Type.Object({ place }), Type.Object({ refused: Type.String() })]),
    },
  },
})
