/** How images are answered. */
import { Type } from 'typebox'
import { exactly, nullable, type Shown } from '../../../../platform/http/answers.ts'

const text = Type.String()
const integer = Type.Integer()

export const locationsAnswer = Type.Array(
  exactly({ url: text, metadata: Type.Object({ store: text }, { additionalProperties: true }) }),
)

/** Custom properties stand beside these: texts under any other name. */
export const imageAnswer = Type.Object(
  {
    id: text,
    name: nullable(text),
    status: text,
    visibility: text,
    owner: nullable(text),
    disk_format: nullable(text),
    container_format: nullable(text),
    min_disk: integer,
    min_ram: integer,
    protected: Type.Boolean(),
    os_hidden: Type.Boolean(),
    size: nullable(integer),
    virtual_size: nullable(integer),
    checksum: nullable(text),
    os_hash_algo: nullable(text),
    os_hash_value: nullable(text),
    tags: Type.Array(text),
    created_at: text,
    updated_at: text,
    self: text,
    file: text,
    schema: text,
    stores: Type.Optional(text),
    locations: Type.Optional(locationsAnswer),
    direct_url: Type.Optional(text),
  },
  { additionalProperties: text },
)
export type ShownImage = Shown<typeof imageAnswer>

export const imagesAnswer = exactly({
  images: Type.Array(imageAnswer),
  first: text,
  next: Type.Optional(text),
  schema: text,
})
