import { Icon, type IconName } from './icon.tsx'

export type IconButtonProps = {
  readonly icon: IconName
  readonly label: string
  readonly onClick: () => void
  readonly disabled?: boolean
  readonly pressed?: boolean
  readonly class?: string
}

/** A button that shows a picture and says its name. */
export const IconButton = ({
  icon,
  label,
  onClick,
  disabled,
  pressed,
  ...rest
}: IconButtonProps) => (
  <button
    type="button"
    class={`icon-button ${rest.class ?? ''}`}
    aria-label={label}
    title={label}
    aria-pressed={pressed}
    disabled={disabled}
    onClick={onClick}
  >
    <Icon name={icon} />
  </button>
)
