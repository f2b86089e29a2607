import { Type, type Static } from 'typebox'
import { defineContract } from '../../../platform/rpc/contract.ts'

/**
 * nova-compute speaks to nova-conductor. Agents are level-triggered: they pull all servers that their host should run,
 * compare with what is there, and report what they see.
 */
export const desiredPort = Type.Object({
  id: Type.String(),
  mac: Type.String(),
  networkId: Type.String(),
  /** `tap` + first 11 characters of the port id. */
  tap: Type.String(),
  mtu: Type.Integer(),
  /** True once neutron's L2 agent has wired the port: a guest starts only when all of its ports are. */
  isActive: Type.Boolean(),
})

export const desiredServer = Type.Object({
  id: Type.String(),
  /** Raised with every change of what is wanted. */
  revision: Type.Integer(),
  projectId: Type.String(),
  name: Type.String(),
  /** `absent`: destroy the guest and its files, then report `missing`. */
  power: Type.Union([
    Type.Literal('running'),
    Type.Literal('paused'),
    Type.Literal('shutdown'),
    Type.Literal('absent'),
  ]),
  /** A reboot is due while this is larger than what the agent reported as done. */
  reboot: Type.Object({ generation: Type.Integer(), type: Type.Union([Type.Literal('SOFT'), Type.Literal('HARD')]) }),
  vcpus: Type.Integer(),
  memoryMb: Type.Integer(),
  rootGb: Type.Integer(),
  ephemeralGb: Type.Integer(),
  swapMb: Type.Integer(),
  image: Type.Union([
    Type.Null(),
    Type.Object({
      id: Type.String(),
      diskFormat: Type.String(),
      properties: Type.Record(Type.String(), Type.String()),
    }),
  ]),
  /** Of the flavor: what hardware it has. */
  extraSpecs: Type.Record(Type.String(), Type.String()),
  ports: Type.Array(desiredPort),
  /** Null for none. Contents are base64; each file names its own by index, as many are the same. */
  configDrive: Type.Union([
    Type.Null(),
    Type.Object({
      format: Type.Union([Type.Literal('iso9660'), Type.Literal('vfat')]),
      contents: Type.Array(Type.String()),
      files: Type.Record(Type.String(), Type.Integer()),
    }),
  ]),
  /** Its deletion is complete but for what this host has of it. */
  isDeleted: Type.Boolean(),
  /** It has run before: a disk that is missing is lost, and not to be made anew. */
  isBuilt: Type.Boolean(),
  requestId: Type.Union([Type.Null(), Type.String()]),
})
export type DesiredServer = Static<typeof desiredServer>

export const serverReport = Type.Object({
  id: Type.String(),
  /** Revision of the desired state that this report is about. */
  revision: Type.Integer(),
  /** `missing`: there is no guest and no file of it. `building`: being prepared. */
  power: Type.Union([
    Type.Literal('running'),
    Type.Literal('paused'),
    Type.Literal('shutdown'),
    Type.Literal('building'),
    Type.Literal('missing'),
  ]),
  /** Generation of the last reboot that was carried out. */
  rebootGeneration: Type.Integer(),
  /** What the agent does or last did, with duration, for the timeline: `download image`, `start guest`. */
  events: Type.Array(
    Type.Object({
      what: Type.String(),
      at: Type.Integer(),
      durationMs: Type.Integer(),
      detail: Type.Optional(Type.String()),
    }),
  ),
  /**
   * Why the desired state cannot be reached. `message` is for users (no paths), `detail` for admins and the log;
   * `isEverywhere`: another host would fail just so.
   */
  error: Type.Union([
    Type.Null(),
    Type.Object({ message: Type.String(), detail: Type.String(), isEverywhere: Type.Optional(Type.Boolean()) }),
  ]),
})
export type ServerReport = Static<typeof serverReport>

export const hostReport = Type.Object({
  hypervisorType: Type.String(),
  hypervisorVersion: Type.Integer(),
  hypervisorHostname: Type.String(),
  hostIp: Type.String(),
  vcpus: Type.Integer(),
  memoryMb: Type.Integer(),
  diskGb: Type.Integer(),
  runningGuests: Type.Integer(),
  cpuInfo: Type.String(),
  architecture: Type.String(),
  /** Placement traits, e.g. `COMPUTE_IMAGE_TYPE_QCOW2`. */
  traits: Type.Array(Type.String()),
})
export type HostReport = Static<typeof hostReport>

/**
 * What the control plane knows of a guest that no wish names. `deleted` and `moved` (its build went on to another host,
 * where it runs) are positive answers, after which a host may remove it; `busy`: a story of the server is under way;
 * `elsewhere`: its server is on another host or on none; `unknown`: no database knows it.
 */
export const guestVerdict = Type.Union([
  Type.Literal('deleted'),
  Type.Literal('moved'),
  Type.Literal('busy'),
  Type.Literal('elsewhere'),
  Type.Literal('unknown'),
])
export type GuestVerdict = Static<typeof guestVerdict>

export const conductorContract = defineContract({
  topic: 'nova-conductor',
  version: '1.1',
  methods: {
    /** Who speaks for `host`, before it does anything: `obstacle` says why it must not, and the remedy. */
    registerHost: {
      args: Type.Object({
        host: Type.String(),
        agent: Type.Object({
          id: Type.String(),
          /** Of this process, which the control plane can ask for. */
          session: Type.String(),
          cloudId: Type.Union([Type.Null(), Type.String()]),
          guests: Type.Integer(),
        }),
      }),
      reply: Type.Object({ cloudId: Type.String(), obstacle: Type.Union([Type.Null(), Type.String()]) }),
    },
    /**
     * What `host` should run: everything, or only the servers named by `ids`. The caller's host must be the named one.
     * Of `guests`, all that the host has with the revision that was last carried out, those that are not wanted are judged.
     */
    pullServers: {
      args: Type.Object({
        host: Type.String(),
        ids: Type.Optional(Type.Array(Type.String())),
        guests: Type.Optional(Type.Array(Type.Object({ id: Type.String(), revision: Type.Integer() }))),
      }),
      reply: Type.Object({
        servers: Type.Array(desiredServer),
        verdicts: Type.Array(Type.Object({ id: Type.String(), verdict: guestVerdict })),
      }),
    },
    reportServers: {
      args: Type.Object({ host: Type.String(), reports: Type.Array(serverReport) }),
      reply: Type.Object({}),
    },
    /** Heartbeat and resources, every 10 s. */
    reportHost: { args: Type.Object({ host: Type.String(), report: hostReport }), reply: Type.Object({}) },
  },
})
