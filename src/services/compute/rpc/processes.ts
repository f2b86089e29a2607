import { errorKinds } from '../../../platform/errors.ts'
import { Type } from 'typebox'
import { defineContract } from '../../../platform/rpc/contract.ts'

/** What the processes of nova's control plane tell each other. `from` names the process that tells. */
export const processesContract = defineContract({
  topic: 'nova-processes',
  version: '1.0',
  methods: {
    /** Something about these servers changed: who waits for them looks again. */
    wake: { args: Type.Object({ serverIds: Type.Array(Type.String()), from: Type.String() }) },
    /** The work of a request is over: who waits for it is told how it ended. */
    settle: {
      args: Type.Object({
        requestId: Type.String(),
        error: Type.Union([Type.Null(), Type.Object({ kind: Type.Enum(errorKinds), message: Type.String() })]),
        from: Type.String(),
      }),
    },
    /** There is work on record that nobody has begun. */
    begin: { args: Type.Object({}) },
  },
})
