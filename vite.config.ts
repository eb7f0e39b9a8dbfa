/// <reference types="vitest/config" />
import { readFile } from 'node:fs/promises'
import { playwright } from '@vitest/browser-playwright'
import { defineConfig, type UserConfig } from 'vite'
import { serviceWorkerPlugin } from './demo/service-worker-plugin.ts'

// Debian's Chromium gives WebGPU on its software adapter with these flags.
export const chromiumArgs = [
  '--headless=new',
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--enable-features=Vulkan',
  '--use-vulkan=swiftshader',
  '--use-webgpu-adapter=swiftshader',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
]

// A new object each time: Vitest writes a project's name into its instances.
const browser = () => ({
  enabled: true,
  headless: true,
  screenshotFailures: false,
  provider: playwright({
    launchOptions: {
      ...(process.env['QUIRE_CHROMIUM'] ? { executablePath: process.env['QUIRE_CHROMIUM'] } : {}),
      args: chromiumArgs,
    },
  }),
  instances: [{ browser: 'chromium' as const }],
})

// The published worker must be the plain literal `new URL('./engine.worker.js', import.meta.url)`
// that every bundler recognises, while Vite must leave it alone when it builds this library.
const publishPlainWorkerUrl = {
  name: 'publish-plain-worker-url',
  renderChunk: (code: string) =>
    code.includes('@vite-ignore')
      ? { code: code.replace(/\/\* @vite-ignore \*\/\s*/g, ''), map: null }
      : null,
}

// Demo and tests run from the sources, where the worker is TypeScript that Vite shall see.
const useWorkerSource = {
  name: 'use-worker-source',
  enforce: 'pre' as const,
  transform: (code: string, id: string) =>
    /\/src\/(index|engine\.worker)\.ts(\?|$)/.test(id)
      ? code.replace(/\/\* @vite-ignore \*\/ '(.*)\.js'/, "'$1.ts'")
      : null,
}

// XGrammar's module is Emscripten's output in a UMD wrapper, which is neither a module to Node nor lets
// one reach the factory that makes an instance. Here it becomes a module whose default export is that
// factory, the same in browsers and Node: its wasm is inlined, so it needs nothing of the platform.
const xgrammar = '@mlc-ai/web-xgrammar'
const useXGrammarFactory = {
  name: 'use-xgrammar-factory',
  transform: (code: string, id: string) => {
    if (!id.includes(`/${xgrammar}/lib/index.js`)) return null
    const inNode = /typeof process=="object"&&typeof process\.versions=="object"&&[^;]+/
    const portable = code
      .replace(inNode, 'false')
      .replaceAll("await import('module')", '{}')
      .replaceAll("require('u' + 'rl').pathToFileURL(__filename).href", "''")
      .replace('exports.default = index', 'exports.createModule = Module')
    return {
      code: `const module = {}, exports = {};\n${portable}\nexport default exports.createModule`,
      map: null,
    }
  },
}

// Shaders say a lot to those who read them, and nothing of it to a GPU.
const stripShaders = {
  name: 'strip-shaders',
  enforce: 'pre' as const,
  apply: 'build' as const,
  load: async (id: string) => {
    const [path = ''] = id.split('?')
    if (!path.endsWith('.wgsl')) return null
    const lines = (await readFile(path, 'utf8')).split('\n')
    const code = lines
      .map((line) => line.replace(/\/\/.*/, '').trim())
      .filter((line) => line !== '')
    return `export default ${JSON.stringify(code.join('\n'))}`
  },
}

// Bundled beforehand, the module would not pass through the plugin.
const optimizeDeps = { exclude: [xgrammar] }
// Found while a test runs, in a worker say, a package makes the page reload.
const testedPackages = [
  '@ai-sdk/openai-compatible',
  '@huggingface/jinja',
  '@huggingface/tokenizers',
  'ai',
  'comlink',
  'openai',
  'openai/helpers/zod',
  'valibot',
  'zod',
]

const library: UserConfig = {
  build: {
    outDir: 'dist',
    target: 'es2023',
    sourcemap: true,
    lib: {
      entry: {
        index: 'src/index.ts',
        'engine.worker': 'src/engine.worker.ts',
        'grammar.worker': 'src/grammar.worker.ts',
        client: 'src/client/index.ts',
        parsers: 'src/parsers/index.ts',
        node: 'src/node/index.ts',
        cli: 'src/node/cli.ts',
        'node-grammar.worker': 'src/node/grammar.worker.ts',
      },
      formats: ['es'],
    },
    rollupOptions: {
      external: (id) => id === 'webgpu' || id.startsWith('node:'),
    },
  },
  plugins: [publishPlainWorkerUrl, stripShaders, useXGrammarFactory],
  publicDir: false,
}

const demo: UserConfig = {
  root: 'demo',
  base: './',
  build: { outDir: '../dist-demo', emptyOutDir: true, target: 'es2023' },
  worker: {
    format: 'es',
    plugins: () => [stripShaders, useWorkerSource, useXGrammarFactory],
  },
  optimizeDeps,
  plugins: [useWorkerSource, useXGrammarFactory, serviceWorkerPlugin()],
}

const test: UserConfig['test'] = {
  server: { deps: { inline: [xgrammar] } },
  // A busy machine answers late; what never comes shall still fail its own test.
  expect: { poll: { timeout: 60_000 } },
  projects: [
    {
      extends: true,
      test: {
        name: 'unit',
        environment: 'node',
        include: ['test/unit/**/*.test.ts'],
        setupFiles: ['test/unit/property-seed.ts'],
        testTimeout: 60_000,
        hookTimeout: 60_000,
      },
    },
    {
      extends: true,
      test: {
        name: 'property',
        environment: 'node',
        include: ['test/property/**/*.test.ts'],
        setupFiles: ['test/unit/property-seed.ts'],
        testTimeout: 600_000,
      },
    },
    {
      extends: true,
      test: {
        name: 'gpu-dawn',
        environment: 'node',
        include: ['test/gpu/**/*.test.ts'],
        // Lavapipe takes minutes for a kernel with barriers that Mesa's cache does not have yet.
        testTimeout: 600_000,
        hookTimeout: 600_000,
      },
    },
    {
      extends: true,
      test: {
        name: 'soak',
        environment: 'node',
        include: ['test/soak/**/*.test.ts'],
        testTimeout: 1_800_000,
        execArgv: ['--expose-gc'],
      },
    },
    {
      extends: true,
      test: {
        name: 'node',
        environment: 'node',
        include: ['test/node/**/*.test.ts'],
        testTimeout: 120_000,
        hookTimeout: 120_000,
      },
    },
    {
      extends: true,
      test: {
        name: 'gpu-chromium',
        include: ['test/gpu/**/*.test.ts'],
        testTimeout: 300_000,
        hookTimeout: 300_000,
        browser: browser(),
      },
    },
    {
      extends: true,
      test: {
        name: 'browser',
        include: ['test/browser/**/*.test.ts'],
        testTimeout: 120_000,
        hookTimeout: 120_000,
        browser: browser(),
      },
    },
    {
      extends: true,
      test: {
        name: 'pages',
        environment: 'node',
        include: ['test/pages/**/*.test.ts'],
        testTimeout: 300_000,
        hookTimeout: 300_000,
      },
    },
  ],
}

export default defineConfig(({ mode }) => {
  if (mode === 'library') return library
  if (mode === 'test') {
    const plugins = [useWorkerSource, useXGrammarFactory]
    return {
      publicDir: 'demo/public',
      optimizeDeps: { ...optimizeDeps, include: testedPackages },
      ssr: { noExternal: [xgrammar] },
      plugins,
      test,
    }
  }
  return demo
})
