/** Buttons of which exactly one is pressed. */
interface Props {
  label: string;
  choices: readonly (readonly [title: string, isChosen: boolean])[];
  onChoose(choice: number): void;
}

export function SegmentedControl({ label, choices, onChoose }: Props) {
  return (
    <span class="iw-segmented" role="group" aria-label={label}>
      {choices.map(([title, isChosen], choice) => (
        <button
          key={choice}
          type="button"
          class="iw-button"
          aria-pressed={isChosen}
          onClick={() => onChoose(choice)}
        >
          {title}
        </button>
      ))}
    </span>
  );
}
