/** Files and texts that leave the page. */

/** Have the browser save a file. */
export function save(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Put a text on the clipboard; tells whether that was allowed. */
export async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Return a file's name: "attention-head-layer.3-5.svg". */
export function fileName(parts: (string | number)[], ending: string): string {
  const plain = parts
    .map((one) =>
      String(one)
        .replace(/[^\w.-]+/g, "_")
        .slice(0, 60),
    )
    .filter(Boolean);
  return `attention-${plain.join("-")}.${ending}`;
}
