/** The theme of a notebook, which goes before the system's. Each says it on the document's body or root. */

const THEMES = {
  light:
    '[data-jp-theme-light="true"], [data-theme="light"], [theme="light"], .vscode-light, .vscode-high-contrast-light',
  dark: '[data-jp-theme-light="false"], [data-theme="dark"], [theme="dark"], .vscode-dark, .vscode-high-contrast',
} as const; // JupyterLab, marimo, Colab, VS Code, where what is light with much contrast is of both classes

const SAID_BY = ["class", "theme", "data-theme", "data-jp-theme-light"];

/**
 * Give an element the notebook's theme as `data-theme`, now and when it changes; returns what ends that.
 * In marimo it lies under a shadow root, into which no style sheet's ancestors reach.
 */
export function followTheme(el: HTMLElement): () => void {
  const follow = () => {
    const theme = themeOf(document);
    if (theme) el.dataset["theme"] = theme;
    else delete el.dataset["theme"];
  };
  const observer = new MutationObserver(follow);
  for (const one of [document.documentElement, document.body])
    observer.observe(one, { attributeFilter: SAID_BY });
  follow();
  return () => observer.disconnect();
}

function themeOf({ documentElement, body }: Document): keyof typeof THEMES | null {
  const said = (theme: keyof typeof THEMES) =>
    body.matches(THEMES[theme]) || documentElement.matches(THEMES[theme]);
  return said("light") ? "light" : said("dark") ? "dark" : null;
}
