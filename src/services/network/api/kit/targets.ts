/** Facts for policies, under every name that policy files of any year have for them. */
import type { PolicyTarget } from '../../../../platform/auth/policy.ts'

/** Whose something is. */
export const ownedBy = (projectId: string | null): PolicyTarget => ({ project_id: projectId, tenant_id: projectId })

/** Whose the network or group is that something belongs to; older files have an underscore for the colon. */
export const within = (parent: 'network' | 'security_group', projectId: string | undefined): PolicyTarget => ({
  [`${parent}:project_id`]: projectId,
  [`${parent}:tenant_id`]: projectId,
  [`${parent}_project_id`]: projectId,
  [`${parent}_tenant_id`]: projectId,
})
