import { Type } from 'typebox'
import { defineContract } from '../../../platform/rpc/contract.ts'
import { guestDescription } from './compute.ts'

const unknownGuest = Type.Object({
  host: Type.String(),
  id: Type.String(),
  verdict: Type.Union([Type.Literal('elsewhere'), Type.Literal('unknown')]),
  /** Null while its host does not answer. */
  guest: Type.Union([Type.Null(), guestDescription]),
})

const heldHost = Type.Object({
  host: Type.String(),
  /** The name that its agent is registered under; null where it is not, or under this one. */
  was: Type.Union([Type.Null(), Type.String()]),
  obstacle: Type.String(),
})

/** What an operator decides where nothing is proven: `nephos guests`, `nephos host`. */
export const operatorContract = defineContract({
  topic: 'nova-operator',
  version: '1.0',
  methods: {
    listGuests: { args: Type.Object({}), reply: Type.Object({ guests: Type.Array(unknownGuest) }) },
    /** The guest is that of the server with its id, on the host where it is. */
    adoptGuest: { args: Type.Object({ id: Type.String() }), reply: Type.Object({ host: Type.String() }) },
    removeGuest: { args: Type.Object({ id: Type.String() }), reply: Type.Object({ host: Type.String() }) },
    /** Hosts whose agents wait, and why. */
    listHeldHosts: {
      args: Type.Object({}),
      reply: Type.Object({ hosts: Type.Array(heldHost) }),
    },
    /** The agent that waits under this name is the host's; what is kept under its old name follows. */
    acceptHost: { args: Type.Object({ host: Type.String() }), reply: Type.Object({}) },
  },
})
