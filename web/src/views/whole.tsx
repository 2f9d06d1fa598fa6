interface WholeProps {
  label: string;
  count: number;
  value: number;
  take: (value: number) => void;
}

/** A whole number from 0 to below a count; what is no such number is not taken, and does not stay. */
export function Whole({ label, count, value, take }: WholeProps) {
  const taken = (text: string) => /^\d+$/.test(text) && Number(text) < count;
  return (
    <label>
      {label}
      <input
        type="number"
        min="0"
        max={count - 1}
        value={value}
        onInput={(event) => {
          const { value: text } = event.currentTarget;
          if (taken(text)) take(Number(text));
        }}
        onChange={(event) => {
          const box = event.currentTarget;
          if (!taken(box.value)) box.value = String(value);
        }}
      />
    </label>
  );
}
