/** What the agent has done for a server: a guest that powered itself off is told from one that was never started. */
export interface Applied {
  /** Revision of the wish that was carried out, or that failed. */
  revision: number
  rebootGeneration: number
  /** Whose it is, for an operator who finds it unknown. Absent in records of earlier releases. */
  name?: string
  projectId?: string
  error: { message: string; detail: string; isEverywhere?: boolean } | null
}
