/** What is on a config drive: the files of the metadata service. Source: nova/api/metadata/base.py. */
import { json, type ServerMetadata, type Sources } from './document.ts'
import { ec2MetaData, ec2Version, ec2Versions } from './ec2.ts'
import { contentPath, driveFiles, openstackFile, openstackVersion, openstackVersions } from './openstack.ts'

/** Many dates have the same content: each is there once, base64, and files name it by its index. */
export interface ConfigDriveFiles {
  contents: string[]
  files: Record<string, number>
}

/** `skip`: versions of EC2 that the drive leaves out (`[api] config_drive_skip_versions`). */
export async function configDriveFiles(
  server: ServerMetadata,
  sources: Sources,
  skip: readonly string[],
): Promise<ConfigDriveFiles> {
  const drive = new Drive()
  for (const folder of [...ec2Versions, 'latest'].filter((version) => !skip.includes(version))) {
    drive.add(`ec2/${folder}/meta-data.json`, json(ec2MetaData(server, ec2Version(folder)!)))
    if (server.userData !== null) drive.add(`ec2/${folder}/user-data`, Buffer.from(server.userData, 'base64'))
  }
  for (const folder of [...openstackVersions, 'latest']) {
    for (const name of driveFiles) {
      const content = await openstackFile(server, openstackVersion(folder)!, name, sources, { isListed: true })
      if (content) drive.add(`openstack/${folder}/${name}`, content)
    }
  }
  for (const [index, { contents }] of server.injectedFiles.entries()) {
    drive.add(`openstack${contentPath(index)}`, Buffer.from(contents, 'base64'))
  }
  return drive
}

class Drive implements ConfigDriveFiles {
  readonly contents: string[] = []
  readonly files: Record<string, number> = {}
  readonly #indexes = new Map<string, number>()

  add(path: string, content: Buffer) {
    const text = content.toString('base64')
    let index = this.#indexes.get(text)
    if (index === undefined) {
      index = this.contents.push(text) - 1
      this.#indexes.set(text, index)
    }
    this.files[path] = index
  }
}
