import type { LockSchema } from '../../../platform/db/owner-lock.ts'
import type { PeriodicSchema } from '../../../platform/periodic/periodic.ts'
import type { SagaSchema } from '../../../platform/saga/records.ts'

/** Rows as the database has them. A deleted image keeps its row: its id is never given again (OSSN-0075). */
export interface ImageSchema extends SagaSchema, PeriodicSchema, LockSchema, MetadefSchema {
  images: {
    id: string
    name: string | null
    status: ImageStatus
    visibility: Visibility
    owner: string
    disk_format: string | null
    container_format: string | null
    min_disk: number
    min_ram: number
    is_protected: number
    is_hidden: number
    size: number | null
    virtual_size: number | null
    checksum: string | null
    hash_value: string | null
    created_at: number
    updated_at: number
    hash_algo: string | null
    deleted_at: number | null
    /** Bytes in the staging area; null where nothing is staged. */
    staged_size: number | null
    /** Bytes that a running upload has announced: they count against the quota before they are there. */
    reserved: number
    /** The process that takes its data in now, by the name of its lease. */
    worker: string | null
  }
  /** Ids of deleted images whose rows were purged. */
  used_image_ids: { id: string }
  properties: { image_id: string; name: string; value: string }
  tags: { image_id: string; tag: string }
  members: {
    image_id: string
    member_id: string
    status: 'pending' | 'accepted' | 'rejected'
    created_at: number
    updated_at: number
  }
  /**
   * Where data is. The row is written before the first byte: after a crash `writing` and `pending_delete` say what has
   * to be removed from which store.
   */
  locations: {
    id: string
    image_id: string
    store: string
    url: string
    /** JSON. */
    metadata: string
    status: LocationStatus
    position: number
    changed_at: number
  }
  tasks: {
    id: string
    type: string
    status: TaskStatus
    owner: string
    image_id: string | null
    user_id: string | null
    request_id: string | null
    /** JSON. */
    input: string
    /** JSON. */
    result: string | null
    message: string
    expires_at: number | null
    created_at: number
    updated_at: number
  }
  cached_images: {
    image_id: string
    state: 'queued' | 'cached'
    size: number
    hits: number
    last_accessed: number
    last_modified: number
  }
  /** One row a project: written first in every transaction that spends quota, so that they come one after the other. */
}

export type ImageStatus =
  'queued' | 'saving' | 'uploading' | 'importing' | 'active' | 'deactivated' | 'killed' | 'pending_delete' | 'deleted'
export type Visibility = 'public' | 'community' | 'shared' | 'private'
export type LocationStatus = 'writing' | 'active' | 'pending_delete'
export type TaskStatus = 'pending' | 'processing' | 'success' | 'failure'

/** Metadata definitions: what properties mean, for dashboards. */
export interface MetadefSchema {
  metadef_namespaces: {
    id: string
    namespace: string
    display_name: string | null
    description: string | null
    visibility: 'public' | 'private'
    is_protected: number
    owner: string
    created_at: number
    updated_at: number
  }
  metadef_objects: {
    id: string
    namespace_id: string
    name: string
    description: string | null
    /** JSON list. */
    required: string
    /** JSON. */
    properties: string
    created_at: number
    updated_at: number
  }
  metadef_properties: { id: string; namespace_id: string; name: string; json_schema: string; created_at: number }
  metadef_tags: { id: string; namespace_id: string; name: string; created_at: number; updated_at: number }
  metadef_resource_types: { name: string; is_protected: number; created_at: number; updated_at: number }
  metadef_associations: {
    namespace_id: string
    resource_type: string
    prefix: string | null
    properties_target: string | null
    created_at: number
    updated_at: number
  }
}
