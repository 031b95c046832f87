-- What follows from that order until it is shipped: each step, and the mark that its event is published.
update order_events e set published = true where e.order_id = :id::uuid and e.sequence = 1 and not e.published;
with moved as (
    update orders o set status = 'accepted', updated_at = now() where o.id = :id::uuid and o.status = 'placed' returning o.id
)
insert into order_events (order_id, sequence, status, at) select id, 2, 'accepted', now() from moved on conflict do nothing;
update order_events e set published = true where e.order_id = :id::uuid and e.sequence = 2 and not e.published;
with moved as (
    update orders o set status = 'shipped', updated_at = now() where o.id = :id::uuid and o.status = 'accepted' returning o.id
)
insert into order_events (order_id, sequence, status, at) select id, 3, 'shipped', now() from moved on conflict do nothing;
update order_events e set published = true where e.order_id = :id::uuid and e.sequence = 3 and not e.published;
