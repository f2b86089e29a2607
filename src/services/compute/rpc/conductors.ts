import { Type } from 'typebox'
import { defineContract } from '../../../platform/rpc/contract.ts'

/** What the processes of nova's control plane tell each other. */
export const conductorsContract = defineContract({
  topic: 'nova-conductors',
  version: '1.0',
  methods: {
    /** Something about these servers changed: who waits for them looks again. `from` names the process that tells. */
    wake: { args: Type.Object({ serverIds: Type.Array(Type.String()), from: Type.String() }) },
  },
})
