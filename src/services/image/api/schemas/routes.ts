/** JSON schemas of what the API speaks about; clients read there which attributes are base ones. */
import { Type } from 'typebox'
import type { Shown } from '../../../../platform/http/answers.ts'
import { route } from '../route.ts'
import type { ImageConfig } from '../../config.ts'
import { imageSchema, memberSchema } from '../images/schema.ts'
import { taskSchema, taskStubSchema } from '../tasks/schema.ts'

const collectionLinks = [
  { rel: 'first', href: '{first}' },
  { rel: 'next', href: '{next}' },
  { rel: 'describedby', href: '{schema}' },
]
const text = { type: 'string' }

/** Of a listing with pages. */
const paged = (name: string, item: object) => ({
  name,
  properties: { [name]: { type: 'array', items: item }, first: text, next: text, schema: text },
  links: collectionLinks,
})

/** A JSON schema under its name. */
export const documentAnswer = Type.Object({
  name: Type.String(),
  properties: Type.Record(Type.String(), Type.Unknown()),
})
type Document = Shown<typeof documentAnswer>

const documents: Record<string, (config: ImageConfig) => Document> = {
  image: imageSchema,
  images: (config) => paged('images', imageSchema(config)),
  member: () => memberSchema,
  members: () => ({
    name: 'members',
    properties: { members: { type: 'array', items: memberSchema }, schema: text },
    links: [{ rel: 'describedby', href: '{schema}' }],
  }),
  task: () => taskSchema,
  tasks: () => paged('tasks', taskStubSchema),
}

export const schemaRoutes = Object.entries(documents).map(([name, document]) =>
  route({
    method: 'GET',
    path: `/schemas/${name}`,
    policy: null,
    answer: { 200: documentAnswer },
    handle: (_request, { config }) => ({ status: 200, body: document(config) }),
  }),
)
