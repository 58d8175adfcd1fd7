// The parts that cards are made of.
import type { ComponentChildren } from "preact";

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
