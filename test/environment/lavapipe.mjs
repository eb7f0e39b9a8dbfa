import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

// Debian 12's own Mesa is too old for Dawn; the backports package works unpacked into a folder. It
// comes from whichever mirror the machine's own sources name.
const backportsSource = () => {
  const format = ['--format', '$(CODENAME) $(REPO_URI)']
  const { stdout } = spawnSync('apt-get', ['indextargets', ...format], { encoding: 'utf8' })
  const mirror = stdout?.split('\n').find((line) => line.startsWith('bookworm '))
  return mirror ? `deb ${mirror.split(' ')[1]} bookworm-backports main\n` : null
}

const library = 'usr/lib/x86_64-linux-gnu/libvulkan_lvp.so'

const run = (command, parameters, cwd) => {
  const { status, stderr } = spawnSync(command, parameters, { cwd, encoding: 'utf8' })
  return status === 0 ? null : `${command} failed: ${(stderr ?? '').trim().split('\n').at(-1)}`
}

const unpack = (folder) => {
  const list = join(folder, 'backports.list')
  const refreshed = run('apt-get', ['update'])
  if (refreshed) return refreshed
  const source = backportsSource()
  if (!source) return 'only Debian 12 (bookworm) is known to have Mesa 25 in its backports.'
  mkdirSync(join(folder, 'lists', 'partial'), { recursive: true })
  writeFileSync(list, source)
  const options = [
    `-oDir::Etc::sourcelist=${list}`,
    '-oDir::Etc::sourceparts=-',
    `-oDir::State::Lists=${join(folder, 'lists')}`,
  ]
  return (
    run('apt-get', ['install', '-y', 'libvulkan1', 'libllvm15']) ??
    run('apt-get', [...options, 'update']) ??
    run('apt-get', [...options, 'download', 'mesa-vulkan-drivers'], folder) ??
    run(
      'dpkg-deb',
      ['-x', readdirSync(folder).find((name) => name.endsWith('.deb')) ?? '', '.'],
      folder,
    )
  )
}

/**
 * The Vulkan driver description for Dawn in Node: the one in VK_ICD_FILENAMES, else Mesa's lavapipe,
 * unpacked into the cache folder on a Debian machine where that is allowed.
 */
export const findLavapipe = (cache) => {
  if (process.env.VK_ICD_FILENAMES) return { icd: process.env.VK_ICD_FILENAMES }
  const folder = join(cache, 'lavapipe')
  if (!existsSync(join(folder, library))) {
    if (process.platform !== 'linux' || process.arch !== 'x64' || process.getuid() !== 0) {
      return { reason: 'Mesa 25 is unpacked by root on Debian x64 only; set VK_ICD_FILENAMES.' }
    }
    mkdirSync(folder, { recursive: true })
    const failure = unpack(folder)
    if (failure) return { reason: failure }
  }
  const icd = join(folder, 'icd.json')
  const description = { library_path: join(folder, library), api_version: '1.4.305' }
  writeFileSync(icd, JSON.stringify({ file_format_version: '1.0.0', ICD: description }))
  return { icd }
}
