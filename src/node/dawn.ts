import { EngineError } from '../errors.ts'

const install = 'Install it beside quire-llm: npm install webgpu'

const notInstalled = (cause: unknown): EngineError =>
  new EngineError(
    'webgpu-unavailable',
    `In Node, WebGPU comes from the package webgpu (Dawn), which is not installed. ${install}`,
    { cause },
  )

const notLoadable = (cause: unknown): EngineError => {
  const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause)
  return new EngineError(
    'webgpu-unavailable',
    `The package webgpu (Dawn) can't be loaded on ${process.platform}-${process.arch}: ${reason}. ` +
      'It has binaries for macOS, Windows and Linux (glibc) on x64 and arm64; if yours is one of ' +
      'them, install it anew: npm install webgpu',
    { cause },
  )
}

const noAdapter = (): EngineError =>
  new EngineError(
    'adapter-unavailable',
    'WebGPU (Dawn) finds no GPU adapter here. ' +
      (process.platform === 'linux'
        ? "It needs a Vulkan driver: install the one of your GPU, or Mesa's software driver " +
          '(mesa-vulkan-drivers, Mesa 25 or later), and look at what vulkaninfo says. ' +
          'VK_ICD_FILENAMES can name a driver that is not installed in the system.'
        : 'Update the graphics driver.'),
  )

const isMissing = (thrown: unknown): boolean =>
  thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_MODULE_NOT_FOUND'

// Kept for as long as the process lives: Dawn's devices do not outlive a collected instance.
let opened: Promise<GPU> | null = null

const open = async (): Promise<GPU> => {
  const { create } = await import('webgpu').catch((thrown: unknown) => {
    throw isMissing(thrown) ? notInstalled(thrown) : notLoadable(thrown)
  })
  const gpu = create([])
  if (!(await gpu.requestAdapter())) throw noAdapter()
  return gpu
}

/**
 * What `navigator.gpu` is in a page.
 *
 * @throws EngineError `webgpu-unavailable`, `adapter-unavailable`, each with the way out.
 */
export const openDawn = (): Promise<GPU> => (opened ??= open())
