import { Type } from 'typebox'
import { defineContract } from '../../../platform/rpc/contract.ts'

/** What nova asks of the compute agent of one host. */
export const computeContract = defineContract({
  topic: 'nova-compute',
  version: '1.0',
  methods: {
    /** Something changed: pull now; only these servers where `ids` names them. */
    look: { args: Type.Object({ ids: Type.Optional(Type.Array(Type.String())) }) },
    /** The last `lines` lines of the serial console (all when null), at most 1 MiB of UTF-8. */
    getConsoleOutput: {
      args: Type.Object({ serverId: Type.String(), lines: Type.Union([Type.Null(), Type.Integer()]) }),
      reply: Type.Object({ output: Type.String() }),
    },
    /** What `uptime` says on that host; null where the driver does not know. */
    getHostUptime: { args: Type.Object({}), reply: Type.Object({ uptime: Type.Union([Type.Null(), Type.String()]) }) },
    /** Where the server's VNC display listens on that host: a unix socket, or address and port. */
    getVncConsole: {
      args: Type.Object({ serverId: Type.String() }),
      reply: Type.Object({
        socketPath: Type.Union([Type.Null(), Type.String()]),
        host: Type.String(),
        port: Type.Integer(),
      }),
    },
  },
})
