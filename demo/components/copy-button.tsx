import { useSignal } from '@preact/signals'
import { announce } from '../state/announcer.ts'
import { IconButton } from './icon-button.tsx'

const confirmMs = 1500

/** Copies a text and shows for a moment that it did. */
export const CopyButton = ({ text, label }: { text: string; label: string }) => {
  const isCopied = useSignal(false)
  const copy = () => {
    navigator.clipboard.writeText(text).then(
      () => {
        isCopied.value = true
        announce('Copied.')
        setTimeout(() => {
          isCopied.value = false
        }, confirmMs)
      },
      () => announce('The browser did not allow copying.'),
    )
  }
  return <IconButton icon={isCopied.value ? 'check' : 'copy'} label={label} onClick={copy} />
}
