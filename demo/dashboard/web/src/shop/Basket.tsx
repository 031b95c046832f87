import { clock, money } from "../format";
import { Icon } from "../parts/Icon";
import { priced } from "../store";
import { CURRENCIES, CUSTOMERS, type Line, basket, currency, customer, order, placing, put, revision } from "./state";

export function Basket() {
  const lines = basket.value;
  const answer = priced.value;
  const stale = answer !== null && answer.revision !== revision.value;
  return (
    <section class="card basket" aria-labelledby="basket">
      <h2 id="basket">Basket</h2>
      <div class="choices">
        <label>
          <span>Customer</span>
          <select value={customer.value} onChange={(event) => (customer.value = event.currentTarget.value)}>
            {CUSTOMERS.map(([id, name]) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>Currency</span>
          <select value={currency.value} onChange={(event) => (currency.value = event.currentTarget.value)}>
            {CURRENCIES.map((code) => (
              <option key={code}>{code}</option>
            ))}
          </select>
        </label>
      </div>
      {lines.length === 0 ? (
        <p class="about">Empty. From 10 copies of a title on there is a discount; it is priced anew with each change.</p>
      ) : (
        <>
          <ul class="bare lines">
            {lines.map((line) => (
              <Item key={line.title.id} line={line} />
            ))}
          </ul>
          {answer?.problem && (
            <p class="notice bad" role="status">
              {answer.problem.errors?.map((error) => error.message).join("; ") || answer.problem.title}
            </p>
          )}
          {answer?.quote?.titles_as_of && (
            <p class="notice" role="status">
              The catalogue does not answer. These titles are known from {clock(Date.parse(answer.quote.titles_as_of) / 1000)}; the prices are today’s.
            </p>
          )}
          <p class={`total ${stale ? "stale" : ""}`} aria-live="polite">
            <span>Total</span>
            <b>{answer?.quote ? money(answer.quote.total, answer.quote.currency) : "…"}</b>
          </p>
          {answer && (
            <p class="via">
              priced by <code>{answer.via}</code>
              {answer.quote && `, rates of ${answer.quote.rate_date}`}
            </p>
          )}
          <button type="button" class="primary" disabled={placing.value} onClick={() => void order()}>
            {placing.value ? "Ordering …" : "Order"}
          </button>
        </>
      )}
    </section>
  );
}

function Item({ line: { title, quantity } }: { line: Line }) {
  const found = priced.value?.quote?.lines.find((one) => one.title_id === title.id);
  const code = priced.value?.quote?.currency ?? "";
  return (
    <li>
      <span class="name">{title.name}</span>
      <span class="stepper">
        <button type="button" aria-label={`Fewer of ${title.name}`} onClick={() => put(title, quantity - 1)}>
          <Icon name="minus" />
        </button>
        <input type="number" min="1" max="10000" aria-label={`Copies of ${title.name}`} value={quantity} onInput={(event) => Number(event.currentTarget.value) >= 1 && put(title, Number(event.currentTarget.value))} />
        <button type="button" aria-label={`More of ${title.name}`} onClick={() => put(title, quantity + 1)}>
          <Icon name="plus" />
        </button>
      </span>
      <span class="price">
        {found && (
          <>
            {Number(found.discount_percent) > 0 && <small class="discount">−{found.discount_percent} %</small>}
            <b>{money(found.total, code)}</b>
          </>
        )}
      </span>
    </li>
  );
}
