/** Paths on a 20 x 20 grid, drawn with the text's colour. */
const paths = {
  add: 'M10 4v12M4 10h12',
  send: 'M10 16V5M5 9.5 10 4.5l5 5',
  stop: 'M6 6h8v8H6z',
  copy: 'M7 7h9v9H7zM4 13V4h9',
  edit: 'M4 16l1-4 8.5-8.5 3 3L8 15zM11.5 5.5l3 3',
  retry: 'M15.5 10a5.5 5.5 0 1 1-1.7-4M14 2.5V6h-3.5',
  remove: 'M5 6h10M8 6V4h4v2M6.5 6l.7 10h5.6l.7-10',
  menu: 'M3 6h14M3 10h14M3 14h14',
  close: 'M5 5l10 10M15 5L5 15',
  settings: 'M4 6h7M15 6h1M4 14h1M9 14h7M11 4v4h4V4zM5 12v4h4v-4z',
  blocks: 'M3 3h6v6H3zM11 3h6v6h-6zM3 11h6v6H3zM11 11h6v6h-6z',
  light:
    'M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1 1M14.7 14.7l1 1M4.3 15.7l1-1M14.7 5.3l1-1',
  dark: 'M16 11.5A6.5 6.5 0 0 1 8.5 4 6.5 6.5 0 1 0 16 11.5z',
  tool: 'M12.5 3.5a4 4 0 0 0-3.7 5.4L3.5 14.2l2.3 2.3 5.3-5.3a4 4 0 0 0 5.2-5l-2.4 2.4-2.2-.3-.3-2.2 2.4-2.4a4 4 0 0 0-1.3-.2z',
  thought: 'M10 3a5 5 0 0 0-3 9v2h6v-2a5 5 0 0 0-3-9zM8 17h4',
  parallel: 'M4 4v12M8 4v12M12 4v12M16 4v12',
  down: 'M10 4v11M5 10.5l5 5 5-5',
  check: 'M4 10.5l4 4 8-9',
} as const

export type IconName = keyof typeof paths

export const Icon = ({ name }: { name: IconName }) => (
  <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
    <path d={paths[name]} />
  </svg>
)

/** The mark: folded sheets, one inside the other, seen from the end. */
export const Mark = () => (
  <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <path d="M4 7.5 16 25.5 28 7.5M9 7.5l7 10.5 7-10.5M14 7.5l2 3 2-3" />
  </svg>
)
