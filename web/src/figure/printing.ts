/** A page as it looks on white paper: light, nothing scrolled away, its controls gone and their room closed. */

/** Return what is read of an element while it looks so: within one task, so that nobody sees it. */
export function printed<T>(element: HTMLElement, read: () => T): T {
  const page = element.closest<HTMLElement>(".visualizer");
  const texts = [...element.querySelectorAll<HTMLElement>(".text")];
  const back = texts.map(unrolled);
  if (page) page.style.minHeight = `${page.offsetHeight}px`; // what it is in stays where it was scrolled to
  page?.classList.add("printed");
  try {
    for (const text of texts) text.dispatchEvent(new Event("scroll")); // which shades what is in sight
    return read();
  } finally {
    page?.classList.remove("printed");
    page?.style.removeProperty("min-height");
    for (const put of back) put();
  }
}

/** Have a text keep its lines, over which arcs may lie, without its scroll bar; return what puts it back. */
function unrolled(text: HTMLElement): () => void {
  const { scrollTop, offsetWidth, clientWidth, clientLeft } = text;
  const bar = offsetWidth - clientWidth - 2 * clientLeft;
  text.style.width = `${text.getBoundingClientRect().width - bar}px`;
  return () => {
    text.style.removeProperty("width");
    text.scrollTop = scrollTop;
  };
}
