// The parts that all pages have. Text from a chain only ever becomes text.
import type { ComponentChildren } from "preact";
import { useThemeToggle } from "./theme";

export const Card = (props: { id: string; title: string; note?: ComponentChildren; children: ComponentChildren }) => (
  <section class="card" aria-labelledby={`${props.id}-title`} id={props.id}>
    <header class="card-head">
      <h2 id={`${props.id}-title`}>{props.title}</h2>
      {props.note !== undefined && <span class="note">{props.note}</span>}
    </header>
    {props.children}
  </section>
);

export const Fields = ({ fields }: { fields: [string, ComponentChildren][] }) => (
  <dl class="fields">
    {fields.map(([name, value]) => (
      <div key={name}>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
);

/** The name at the top, which leads somewhere. */
export const Brand = ({ href, label }: { href: string; label: string }) => (
  <a class="brand" href={href} aria-label={label}>
    <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
      <path d="M16 16c-2.6-3.8-4.7-5.4-7.3-5.4a5.4 5.4 0 0 0 0 10.8c2.6 0 4.7-1.6 7.3-5.4 2.6-3.8 4.7-5.4 7.3-5.4a5.4 5.4 0 0 1 0 10.8c-2.6 0-4.7-1.6-7.3-5.4Z" />
    </svg>
    <span>InfinityVM</span>
  </a>
);

/** Switches between light and dark. */
export function ThemeButton() {
  const [theme, toggle] = useThemeToggle();
  const other = theme === "dark" ? "light" : "dark";
  return (
    <button type="button" class="theme" onClick={toggle} aria-label={`Use ${other} colours`} title="Light or dark">
      <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
        <circle cx="10" cy="10" r="7" class="ring" />
        <path d="M10 3a7 7 0 0 1 0 14Z" class="half" />
      </svg>
    </button>
  );
}
