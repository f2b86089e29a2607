/** Two control processes on one SQLite file. */
import { testSeveralProcesses } from './testing/several-processes.ts'

testSeveralProcesses()
