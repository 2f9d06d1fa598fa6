/** A whole number from 0 to below a count; what is no such number is not taken. */
export function Whole(props: { label: string; count: number; value: number; take: (value: number) => void }) {
  const { label, count, value, take } = props;
  return (
    <label>
      {label}
      <input
        type="number"
        min="0"
        max={count - 1}
        value={value}
        onInput={(event) => {
          const number = Number(event.currentTarget.value);
          if (number >= 0 && number < count) take(number);
        }}
      />
    </label>
  );
}
