import { Type } from 'typebox'
import { exactly, nullable } from '../../../../platform/http/answers.ts'

const text = Type.String()
const stub = {
  id: text,
  type: text,
  status: Type.Enum(['pending', 'processing', 'success', 'failure']),
  owner: text,
  created_at: text,
  updated_at: text,
  expires_at: Type.Optional(text),
  self: text,
  schema: text,
}

/** A task; of listings without what is long. */
export const taskAnswer = exactly({
  ...stub,
  input: Type.Unknown(),
  result: Type.Unknown(),
  message: text,
  image_id: Type.Optional(nullable(text)),
  request_id: Type.Optional(text),
  user_id: Type.Optional(text),
})
export const tasksAnswer = exactly({
  tasks: Type.Array(exactly(stub)),
  first: text,
  next: Type.Optional(text),
  schema: text,
})
