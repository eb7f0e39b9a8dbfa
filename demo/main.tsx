import { render } from 'preact'
import { App } from './app.tsx'
import { restoreConversations } from './state/conversations.ts'
import { loadEngine } from './state/engine.ts'
import { focusMessageBox } from './state/layout.ts'
import { startServiceWorker, watchOfflineReadiness } from './state/offline.ts'
import './styles/base.css'
import './styles/sidebar.css'
import './styles/composer.css'
import './styles/thread.css'
import './styles/turn-parts.css'
import './styles/layout.css'
import './styles/panel.css'

const root = document.getElementById('app')
if (!root) throw new Error('The page has no element "app" to draw into.')

await restoreConversations()
render(<App />, root)
// On a touch screen this would open the keyboard over the page.
if (matchMedia('(hover: hover)').matches) focusMessageBox()
watchOfflineReadiness()
await startServiceWorker()
await loadEngine()
