import { duration, money } from "../format";
import { Icon } from "../parts/Icon";
import { href } from "../route";
import { placed } from "./state";

const STATES = ["placed", "accepted", "shipped"];

export function Placed() {
  const now = placed.value;
  if (!now) return null;
  const { order, events, seconds, traceId, rateDate } = now;
  const first = events[0];
  return (
    <section class="card placed" aria-labelledby="placed">
      <h2 id="placed">Your order</h2>
      <p>
        <b>{money(order.total, order.currency)}</b>
        {Number(order.discount_percent) > 0 && `, ${order.discount_percent} % for ${order.customer_id} taken off`}, answered after {duration(seconds)}
      </p>
      {rateDate && (
        <p class="notice" role="status">
          Priced by the rates of {rateDate}, while the catalogue did not answer.
        </p>
      )}
      <ol class="progress" aria-label="Progress" aria-live="polite">
        {STATES.map((state) => {
          const event = events.find((one) => one.status === state);
          const after = event && first ? (Date.parse(event.at) - Date.parse(first.at)) / 1000 : undefined;
          return (
            <li key={state} class={event ? "done" : ""}>
              <span class="dot">{event && <Icon name="check" />}</span>
              {state}
              {after !== undefined && after > 0 && <small>after {duration(after)}</small>}
            </li>
          );
        })}
      </ol>
      <p>
        <a href={href("traces", traceId)}>Its trace</a>, from this page to the queue's consumer
      </p>
      <code class="id">{order.id}</code>
    </section>
  );
}
