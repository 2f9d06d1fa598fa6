/** What a notebook shows while no kernel answers: it is busy, or the notebook was opened without one. */

const PATIENCE = 2500; // milliseconds
const SAID =
  "The kernel does not answer. If it is busy, this page goes on afterwards; if it is gone, run the cell again.";

/** Show a picture in the place of the page, until the kernel answers; returns what ends that. */
export function showWhileSilent(el: HTMLElement, picture: string, answered: Promise<void>): () => void {
  let shown: HTMLElement | undefined;
  const wait = setTimeout(() => {
    shown = silent(picture);
    el.prepend(shown);
  }, PATIENCE);
  const end = () => {
    clearTimeout(wait);
    shown?.remove();
  };
  void answered.then(end);
  return end;
}

function silent(picture: string): HTMLElement {
  const figure = document.createElement("figure");
  figure.className = "silent";
  const caption = document.createElement("figcaption");
  caption.textContent = SAID;
  figure.append(caption);
  if (picture) {
    const image = new Image();
    image.alt = "All heads, as they were when the notebook was saved";
    image.src = picture;
    figure.append(image);
  }
  return figure;
}
