/** Rules as upstream writes them: name, check string, the requests that ask for it. */
export type PolicyTable = readonly (readonly [name: string, check: string, ...operations: string[]])[]
