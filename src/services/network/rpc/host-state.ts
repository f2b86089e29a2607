import { Type, type Static } from 'typebox'
import { defineContract } from '../../../platform/rpc/contract.ts'
import { agentPart, binaries, type AgentPart } from './parts.ts'

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(type: T) => Type.Union([Type.Null(), type])

/**
 * What one host should look like, pulled by its L2, DHCP, L3 and metadata agents (level-triggered).
 * Device names: bridge `brq` + network id[0:11], `tap` + port id[0:11], namespaces `qdhcp-<network>`, `qrouter-<router>`.
 */
export const hostNetwork = Type.Object({
  id: Type.String(),
  type: Type.String(), // flat, vxlan, local, …
  physicalNetwork: nullable(Type.String()),
  segmentationId: nullable(Type.Integer()),
  mtu: Type.Integer(),
  adminStateUp: Type.Boolean(),
  /** Tunnel addresses of the other hosts that have ports in this network. */
  peers: Type.Array(Type.String()),
  /** l2population: where each remote MAC is. */
  forwarding: Type.Array(Type.Object({ mac: Type.String(), peer: Type.String() })),
})

export const hostPort = Type.Object({
  id: Type.String(),
  networkId: Type.String(),
  mac: Type.String(),
  deviceOwner: Type.String(),
  deviceId: Type.String(),
  tap: Type.String(),
  adminStateUp: Type.Boolean(),
  portSecurityEnabled: Type.Boolean(),
  fixedIps: Type.Array(Type.Object({ ip: Type.String(), subnetId: Type.String(), prefixLength: Type.Integer() })),
  allowedAddressPairs: Type.Array(Type.Object({ mac: Type.String(), cidr: Type.String() })),
  securityGroupIds: Type.Array(Type.String()),
})

export const hostSecurityGroup = Type.Object({
  id: Type.String(),
  isStateful: Type.Boolean(),
  rules: Type.Array(
    Type.Object({
      id: Type.String(),
      direction: Type.Union([Type.Literal('ingress'), Type.Literal('egress')]),
      ethertype: Type.Union([Type.Literal('IPv4'), Type.Literal('IPv6')]),
      /** Name or number as the API has it; null for any. */
      protocol: nullable(Type.String()),
      portRangeMin: nullable(Type.Integer()),
      portRangeMax: nullable(Type.Integer()),
      remoteCidr: nullable(Type.String()),
      remoteGroupId: nullable(Type.String()),
    }),
  ),
  /** Addresses of all ports in the group, for rules with `remoteGroupId`. */
  memberAddresses: Type.Array(Type.String()),
})

export const hostDhcp = Type.Object({
  networkId: Type.String(),
  port: Type.Object({ id: Type.String(), mac: Type.String() }),
  /** Addresses with prefix of the DHCP port. */
  addresses: Type.Array(Type.String()),
  mtu: Type.Integer(),
  dnsDomain: Type.String(),
  /** True where a subnet has no router that serves metadata: then the DHCP namespace does. */
  servesMetadata: Type.Boolean(),
  subnets: Type.Array(
    Type.Object({
      id: Type.String(),
      cidr: Type.String(),
      ipVersion: Type.Integer(),
      gatewayIp: nullable(Type.String()),
      enableDhcp: Type.Boolean(),
      dnsNameservers: Type.Array(Type.String()),
      hostRoutes: Type.Array(Type.Object({ destination: Type.String(), nexthop: Type.String() })),
      ipv6AddressMode: nullable(Type.String()),
      /** A router of ours answers at its gateway. */
      isRouted: Type.Boolean(),
    }),
  ),
  hosts: Type.Array(
    Type.Object({
      portId: Type.String(),
      mac: Type.String(),
      hostname: Type.String(),
      addresses: Type.Array(Type.Object({ ip: Type.String(), subnetId: Type.String() })),
      extraOptions: Type.Array(Type.Object({ name: Type.String(), value: Type.String(), ipVersion: Type.Integer() })),
      /** Which server asks when metadata is asked for from this address. */
      deviceId: Type.String(),
      projectId: Type.String(),
    }),
  ),
})

export const hostRouter = Type.Object({
  id: Type.String(),
  projectId: Type.String(),
  adminStateUp: Type.Boolean(),
  gateway: nullable(
    Type.Object({
      portId: Type.String(),
      mac: Type.String(),
      networkId: Type.String(),
      mtu: Type.Integer(),
      addresses: Type.Array(Type.String()), // with prefix
      nexthops: Type.Array(Type.String()),
      enableSnat: Type.Boolean(),
    }),
  ),
  interfaces: Type.Array(
    Type.Object({
      portId: Type.String(),
      mac: Type.String(),
      networkId: Type.String(),
      mtu: Type.Integer(),
      addresses: Type.Array(Type.String()), // with prefix
      /** Subnets that get router advertisements (SLAAC). */
      ipv6RaSubnets: Type.Array(
        Type.Object({ cidr: Type.String(), mode: Type.String(), dnsNameservers: Type.Array(Type.String()) }),
      ),
    }),
  ),
  floatingIps: Type.Array(Type.Object({ id: Type.String(), floating: Type.String(), fixed: Type.String() })),
  routes: Type.Array(Type.Object({ destination: Type.String(), nexthop: Type.String() })),
  /** Whose address asks for metadata, over all networks of this router: `ip` is unique within one router. */
  metadataClients: Type.Array(
    Type.Object({ networkId: Type.String(), ip: Type.String(), deviceId: Type.String(), projectId: Type.String() }),
  ),
})

export const hostState = Type.Object({
  revision: Type.Integer(),
  networks: Type.Array(hostNetwork),
  ports: Type.Array(hostPort),
  securityGroups: Type.Array(hostSecurityGroup),
  dhcp: Type.Array(hostDhcp),
  routers: Type.Array(hostRouter),
})
export type HostState = Static<typeof hostState>
export type HostNetwork = Static<typeof hostNetwork>
export type HostPort = Static<typeof hostPort>
export type HostSecurityGroup = Static<typeof hostSecurityGroup>
export type HostDhcp = Static<typeof hostDhcp>
export type HostRouter = Static<typeof hostRouter>

/** How a floating IP is reported: one that leads elsewhere meanwhile is another one. */
export const floatingKey = ({ id, fixed }: { id: string; fixed: string | null }): string => `${id}/${fixed}`

export const agentReport = Type.Object({
  /** One of `agentTypes`. */
  agentType: Type.String(),
  binary: Type.String(),
  configurations: Type.Record(Type.String(), Type.Unknown()),
  /** The last thing that went wrong, null when all is converged. */
  error: nullable(Type.String()),
})

export type AgentReport = Static<typeof agentReport>

/** Agents speak to neutron-server. */
export const neutronContract = defineContract({
  topic: 'neutron-server',
  version: '2.0',
  methods: {
    /**
     * The desired state of the caller's host as far as it concerns `parts`, or null when it still has `revision`. `known`
     * is where in the database's history a part last followed it, and under which name: to those in `doubted` this is
     * another database, an older copy, or another host's state, and what it does not name is not proven to be gone.
     */
    pullHost: {
      args: Type.Object({
        host: Type.String(),
        revision: nullable(Type.Integer()),
        parts: Type.Array(
          Type.Object({
            name: agentPart,
            known: nullable(Type.Object({ epoch: Type.String(), revision: Type.Integer(), host: Type.String() })),
          }),
        ),
      }),
      reply: Type.Object({
        state: nullable(hostState),
        epoch: Type.String(),
        doubted: Type.Array(Type.Object({ name: agentPart, reason: Type.String() })),
      }),
    },
    /** Only what these parts of the caller's host are to report, without a data plane; null when nothing changed. */
    pullPorts: {
      args: Type.Object({ host: Type.String(), revision: nullable(Type.Integer()), parts: Type.Array(agentPart) }),
      reply: Type.Object({ revision: Type.Integer(), ports: nullable(Type.Array(Type.String())) }),
    },
    /**
     * Ports that are wired and filtered now (they become ACTIVE), and those that no longer are (DOWN); floating IPs by
     * `floatingKey`.
     */
    reportPorts: {
      args: Type.Object({
        host: Type.String(),
        up: Type.Array(Type.String()),
        down: Type.Array(Type.String()),
        errors: Type.Array(Type.Object({ portId: Type.String(), message: Type.String() })),
      }),
      reply: Type.Object({}),
    },
    /** Heartbeat of the agents of a process, every 10 s; `tunnelIp` is where this host takes vxlan packets. */
    reportAgents: {
      args: Type.Object({
        host: Type.String(),
        tunnelIp: nullable(Type.String()),
        bridgeMappings: Type.Array(Type.String()),
        agents: Type.Array(agentReport),
      }),
      reply: Type.Object({}),
    },
  },
})

/**
 * neutron-server speaks to an agent of a host. Each part has a topic of its own: of several processes of a host only one
 * can serve the same.
 */
const agentContractOf = (part: AgentPart) =>
  defineContract({
    topic: binaries[part],
    version: '2.0',
    methods: {
      /** Something changed: pull now. All parts of a host are told at once, so that of a process one of them may listen. */
      look: { args: Type.Object({}) },
      /** An operator's word that this neutron-server is the one to follow: what it does not name goes. */
      followServer: { args: Type.Object({}), reply: Type.Object({}) },
    },
  })

export const agentContracts: Readonly<Record<AgentPart, ReturnType<typeof agentContractOf>>> = {
  l2: agentContractOf('l2'),
  dhcp: agentContractOf('dhcp'),
  l3: agentContractOf('l3'),
  metadata: agentContractOf('metadata'),
}
