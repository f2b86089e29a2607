import { Type, type Static } from 'typebox'
import { defineContract } from '../../../platform/rpc/contract.ts'
import { consoleTicket } from './console-ticket.ts'

export const guestDescription = Type.Object({
  id: Type.String(),
  /** As the host last knew its server; empty where it never did. */
  name: Type.String(),
  projectId: Type.String(),
  power: Type.Union([Type.Literal('running'), Type.Literal('paused'), Type.Literal('shutdown')]),
  /** The revision of the last wish that was carried out. */
  revision: Type.Integer(),
  /** When it was first found unknown; null while it is not. */
  since: Type.Union([Type.Null(), Type.Integer()]),
  disks: Type.Array(Type.Object({ file: Type.String(), bytes: Type.Integer() })),
})
export type GuestDescription = Static<typeof guestDescription>

/** What nova asks of the compute agent of one host. */
export const computeContract = defineContract({
  topic: 'nova-compute',
  version: '2.0',
  methods: {
    /** Something changed: pull now; only these servers where `ids` names them. */
    look: { args: Type.Object({ ids: Type.Optional(Type.Array(Type.String())) }) },
    /** The last `lines` lines of the serial console (all when null), at most 1 MiB of UTF-8. */
    getConsoleOutput: {
      args: Type.Object({ serverId: Type.String(), lines: Type.Union([Type.Null(), Type.Integer()]) }),
      reply: Type.Object({ output: Type.String() }),
    },
    /** The session that the agent process introduced itself with. */
    whoServes: { args: Type.Object({}), reply: Type.Object({ session: Type.String() }) },
    /** What the host knows of guests of its own. */
    describeGuests: {
      args: Type.Object({ ids: Type.Array(Type.String()) }),
      reply: Type.Object({ guests: Type.Array(guestDescription) }),
    },
    /** Ends a guest that the control plane does not know and removes its disks, by an operator's order. */
    removeGuest: { args: Type.Object({ id: Type.String() }), reply: Type.Object({}) },
    /** What `uptime` says on that host; null where the driver does not know. */
    getHostUptime: { args: Type.Object({}), reply: Type.Object({ uptime: Type.Union([Type.Null(), Type.String()]) }) },
    /** Opens the server's screen (VNC) to one connection. */
    openVncConsole: { args: Type.Object({ serverId: Type.String() }), reply: consoleTicket },
  },
})
