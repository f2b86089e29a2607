import type { Db } from '../../../platform/db/database.ts'
import type { ComputeConfig } from '../config.ts'
import { defaultClass, listLimits } from '../store/quotas.ts'
import type { ComputeSchema } from '../store/tables.ts'

export const defaultsOf = (config: ComputeConfig) => ({
  instances: config.quotaInstances,
  cores: config.quotaCores,
  ram: config.quotaRam,
  metadata_items: config.metadataItems,
  key_pairs: config.quotaKeyPairs,
  server_groups: config.quotaServerGroups,
  server_group_members: config.quotaServerGroupMembers,
  injected_files: 5,
  injected_file_content_bytes: 10240,
  injected_file_path_bytes: 255,
  floating_ips: -1,
  fixed_ips: -1,
  security_groups: -1,
  security_group_rules: -1,
})

/** The limits in force for a project: its own, else the default class's, else the configuration's. */
/** A project's limits by what they are of. */
export type Limits = ReturnType<typeof defaultsOf>

export async function limitsOf(db: Db<ComputeSchema>, config: ComputeConfig, projectId: string): Promise<Limits> {
  const set = await listLimits(db, [projectId, defaultClass])
  return { ...defaultsOf(config), ...set.get(defaultClass), ...set.get(projectId) }
}
