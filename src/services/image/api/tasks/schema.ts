const text = (description: string) => ({ type: 'string', description })
const uuid = '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$'

const stub = {
  id: { ...text('Identifies the task'), pattern: uuid },
  type: { ...text('What the task does'), enum: ['import', 'api_image_import', 'location_import'] },
  status: { ...text('How far the task is'), enum: ['pending', 'processing', 'success', 'failure'] },
  owner: text('Project of who asked for it'),
  image_id: text('Image that the task works on'),
  request_id: text('Request that the task came from'),
  user_id: text('Who asked for it'),
  expires_at: { type: ['null', 'string'], description: 'From then on the task may be removed' },
  created_at: text('When the task was made'),
  updated_at: text('When the task was changed last'),
  self: { type: 'string', readOnly: true },
  schema: { type: 'string', readOnly: true },
}

/** The `task` schema document, and the shorter one of listings. */
export const taskSchema = {
  name: 'task',
  properties: {
    ...stub,
    input: { type: ['null', 'object'], description: 'What was asked for' },
    result: { type: ['null', 'object'], description: 'What came of it' },
    message: text('For people: how far it is, or why it failed'),
  },
}
export const taskStubSchema = { name: 'task', properties: stub }
