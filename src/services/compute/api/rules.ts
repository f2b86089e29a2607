import type { Rule } from '../../../platform/auth/policy.ts'
import { baseRules } from './base-policy.ts'
import { flavorRules } from './flavors/policy.ts'
import { keypairRules } from './keypairs/policy.ts'
import { serverRules } from './servers/policy.ts'

/** Every policy rule of the compute API. */
export const rules: readonly Rule[] = [...baseRules, ...flavorRules, ...keypairRules, ...serverRules]
