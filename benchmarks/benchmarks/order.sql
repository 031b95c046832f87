-- One order of two lines as services/order stores it: is the key known, what do the titles cost, store.
\set customer random(1001, 1030)
\set first random(1, 500)
\set second random(1, 500)
\set quantity random(1, 12)
\set number random(1, 1000000000000)
select o.id, o.customer_id, o.idempotency_key, o.content_hash, o.status, o.currency, o.discount_percent,
       o.total, o.created_at, l.title_ids, l.quantities, l.unit_prices, l.totals
from unnest(array['c-' || :customer], array[:run || '-' || :client_id || '-' || :number]) as k(customer_id, idempotency_key)
join orders o using (customer_id, idempotency_key)
cross join lateral (
    select array_agg(title_id order by line_number) as title_ids,
           array_agg(quantity order by line_number) as quantities,
           array_agg(unit_price order by line_number) as unit_prices,
           array_agg(total order by line_number) as totals
    from order_lines where order_id = o.id) l;
select title_id, currency, amount, null as minimum
from list_prices where title_id = any(array['t-' || lpad(:first::text, 6, '0'), 't-' || lpad(:second::text, 6, '0')])
union all select null, null, percent, minimum_quantity from price_breaks;
with made as (select uuidv7() as id), stored as (
    insert into orders (id, customer_id, idempotency_key, content_hash, status, currency,
                        discount_percent, total, created_at, updated_at)
    select id, 'c-' || :customer, :run || '-' || :client_id || '-' || :number, md5(:number::text) || md5(:number::text),
           'placed', 'EUR', 0, 12.34 * :quantity::int, now(), now() from made
    on conflict (customer_id, idempotency_key) do nothing
    returning id, created_at
), lines as (
    insert into order_lines (order_id, line_number, title_id, quantity, unit_price, total)
    select made.id, line_number, title_id, :quantity::int, 6.17, 6.17 * :quantity::int
    from made, unnest(array[1, 2], array['t-' || lpad(:first::text, 6, '0'), 't-' || lpad(:second::text, 6, '0')])
         as wanted(line_number, title_id)
    where made.id in (select id from stored)
), events as (
    insert into order_events (order_id, sequence, status, at)
    select id, 1, 'placed', created_at from stored
)
select id from stored;
