/** Rows as the database has them. A deleted image keeps its row: its id is never given again (OSSN-0075). */
export interface ImageSchema {
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
  }
  properties: { image_id: string; name: string; value: string }
  tags: { image_id: string; tag: string }
  members: {
    image_id: string
    member_id: string
    status: 'pending' | 'accepted' | 'rejected'
    created_at: number
    updated_at: number
  }
}

export type ImageStatus = 'queued' | 'saving' | 'active' | 'deactivated' | 'killed' | 'deleted'
export type Visibility = 'public' | 'community' | 'shared' | 'private'
