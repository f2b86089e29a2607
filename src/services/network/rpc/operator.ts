import { Type } from 'typebox'
import { defineContract } from '../../../platform/rpc/contract.ts'

/** What an operator decides where agents are in doubt: `nephos host`. */
export const neutronOperatorContract = defineContract({
  topic: 'neutron-operator',
  version: '1.0',
  methods: {
    /** Hosts that keep what this database does not name, and why. */
    listKeepingHosts: {
      args: Type.Object({}),
      reply: Type.Object({ hosts: Type.Array(Type.Object({ host: Type.String(), reason: Type.String() })) }),
    },
    /** Ports, routers and agents of one host are another's. */
    renameHost: { args: Type.Object({ from: Type.String(), to: Type.String() }), reply: Type.Object({}) },
  },
})
