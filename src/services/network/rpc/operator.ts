import { Type } from 'typebox'
import { defineContract } from '../../../platform/rpc/contract.ts'
import { agentPart } from './parts.ts'

/** What an operator decides where agents are in doubt: `nephos host`. */
export const neutronOperatorContract = defineContract({
  topic: 'neutron-operator',
  version: '2.0',
  methods: {
    /** Hosts that keep what this database does not name: which of their agents, and why. */
    listKeepingHosts: {
      args: Type.Object({}),
      reply: Type.Object({
        hosts: Type.Array(Type.Object({ host: Type.String(), reason: Type.String(), parts: Type.Array(agentPart) })),
      }),
    },
    /** Ports, routers and agents of one host are another's. */
    renameHost: { args: Type.Object({ from: Type.String(), to: Type.String() }), reply: Type.Object({}) },
  },
})
