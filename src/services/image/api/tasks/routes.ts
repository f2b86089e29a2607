/** The tasks API, for administrators. Making tasks is the old way to import. */
import { HttpError } from '../../../../platform/http/errors.ts'
import { Type } from 'typebox'
import { last } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import { ImageMissing, InvalidImage } from '../../errors.ts'
import { startTaskImport } from '../../operations/task-import.ts'
import { policy } from '../../policies.ts'
import { findTask, listTasks, type TaskRow } from '../../store/tasks.ts'
import type { TaskStatus } from '../../store/tables.ts'
import { parseLimit } from '../images/list.ts'
import { readNewImage } from '../images/new-image.ts'
import { taskAnswer, tasksAnswer } from './answers.ts'
import { viewTask, viewTaskStub } from './view.ts'

const access = policy('tasks_api_access')
const sortable: readonly (keyof TaskRow)[] = ['id', 'type', 'status', 'expires_at', 'created_at', 'updated_at']
const uuid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i

const list = route({
  method: 'GET',
  path: '/tasks',
  policy: access,
  answer: { 200: tasksAnswer },
  async handle({ ctx, query }, deps) {
    ctx.authorize(access)
    const one = (name: string) => last(query, name)
    const status = one('status')
    if (status !== undefined && !['pending', 'processing', 'success', 'failure'].includes(status))
      throw new InvalidImage(`Invalid status value: ${status}`)
    const type = one('type')
    if (type !== undefined && !['import', 'api_image_import', 'location_import'].includes(type))
      throw new InvalidImage(`Invalid type value: ${type}`)
    const direction = one('sort_dir') ?? 'desc'
    if (direction !== 'asc' && direction !== 'desc') throw new InvalidImage(`Invalid sort direction: ${direction}`)
    const column = (one('sort_key') ?? 'created_at') as keyof TaskRow
    if (!sortable.includes(column)) throw new InvalidImage('Sort key supplied was not valid.')
    const markerId = one('marker')
    if (markerId !== undefined && !uuid.test(markerId)) throw new InvalidImage('Invalid marker format')
    const marker = markerId === undefined ? undefined : await findTask(deps.database.db, markerId)
    if (markerId !== undefined && !marker) throw new InvalidImage(`Task with the given id ${markerId} was not found`)
    const limit = parseLimit(one('limit'), deps.config)
    const owner = ctx.isAdmin ? null : (ctx.projectId ?? '')
    const tasks = await listTasks(deps.database.db, {
      owner,
      status: status as TaskStatus | undefined,
      type,
      sort: { column, direction },
      marker,
      limit,
    })
    const pairs = Object.entries(query).flatMap(([name, values = []]) =>
      name === 'marker' ? [] : values.map((value) => [name, value] as [string, string]),
    )
    const link = (more: [string, string][]) => {
      const text = new URLSearchParams([...pairs, ...more]).toString()
      return `/v2/tasks${text === '' ? '' : `?${text}`}`
    }
    return {
      status: 200,
      body: {
        tasks: tasks.map(viewTaskStub),
        first: link([]),
        ...(tasks.length > 0 && tasks.length === limit && { next: link([['marker', tasks.at(-1)!.id]]) }),
        schema: '/v2/schemas/tasks',
      },
    }
  },
})

const show = route({
  method: 'GET',
  path: '/tasks/:id',
  policy: access,
  answer: { 200: taskAnswer },
  async handle({ ctx, params }, deps) {
    ctx.authorize(access)
    const task = await findTask(deps.database.db, params.id)
    if (!task) throw new ImageMissing(`Task with the given id ${params.id} was not found`)
    return { status: 200, body: viewTask(task) }
  },
})

const create = route({
  method: 'POST',
  path: '/tasks',
  policy: access,
  body: Type.Object({}, { additionalProperties: Type.Unknown() }),
  answer: { 201: taskAnswer },
  async handle({ ctx, body, baseUrl }, deps) {
    ctx.authorize(access)
    const { type, input } = body as Record<string, unknown>
    if (type === undefined) throw new InvalidImage("Task 'type' is required")
    if (input === undefined) throw new InvalidImage("Task 'input' is required")
    if (type !== 'import') throw new InvalidImage(`Provided type of task is unsupported: ${String(type)}`)
    if (typeof input !== 'object' || input === null)
      throw new InvalidImage("Provided object does not match schema 'task': the input must be an object")
    const task = await startTaskImport(ctx, deps, input as Record<string, unknown>, readNewImage)
    return { status: 201, headers: { Location: `${baseUrl}/v2/tasks/${task.id}` }, body: viewTask(task) }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/tasks/:id',
  policy: access,
  answer: {},
  handle({ ctx }) {
    ctx.authorize(access)
    throw new HttpError(
      405,
      'This operation is currently not permitted on Glance Tasks. They are auto deleted after reaching the time based on their expires_at property.',
      { headers: { Allow: 'GET' } },
    )
  },
})

export const taskRoutes = [list, show, create, remove]
