-- DuckDB, over the demo's data package (@folder): one row per household and campaign, in order of (start, campaign, household).
-- Whatever a column counts lies before the campaign's first day; `used` (days since 2000) is the first redemption in the campaign, 0: none.
with t as (
    select household_id as h, basket_id as b, product_id as p, sales_value as v, coupon_disc as off, transaction_timestamp as moment
    from '@folder/transactions.parquet'),
given as (
    select c.household_id as h, c.campaign_id as g, d.campaign_type as kind, d.start_date as start, d.end_date as ends
    from '@folder/campaigns.parquet' c join '@folder/campaign_descriptions.parquet' d using (campaign_id)),
redeemed as (
    select household_id as h, campaign_id as g, min(redemption_date) as moment from '@folder/coupon_redemptions.parquet' group by all),
baskets as (
    select h, b, min(moment) as moment, sum(off) as off, count(*) as lines, count(*) filter (where off > 0) as taken from t group by all),
of_baskets as (
    select i.h, i.g, count(*) filter (where k.off > 0) as baskets, count(*) filter (where k.off > 0 and k.moment >= i.start - interval 91 day) as baskets_91d,
           count(*) filter (where k.off > 0 and k.moment >= i.start - interval 28 day) as baskets_28d, sum(k.off) as saved,
           sum(k.taken) as taken, sum(k.lines) as lines, date_diff('day', max(k.moment) filter (where k.off > 0), i.start) as ago
    from given i join baskets k on k.h = i.h and k.moment < i.start group by i.h, i.g, i.start),
bought as (select h, p, min(moment) as first from t group by all),
fitting as (
    select i.h, i.g, count(distinct k.product_id) as products, count(distinct k.coupon_upc) as coupons
    from given i join '@folder/coupons.parquet' k on k.campaign_id = i.g
    join bought o on o.h = i.h and o.p = k.product_id and o.first < i.start group by all),
range_of as (select campaign_id as g, count(distinct product_id) as range from '@folder/coupons.parquet' group by all),
on_these as (
    select i.h, i.g, count(*) as bought, count(distinct t.b) as trips, sum(t.v) as spent,
           coalesce(sum(t.v) filter (where t.moment >= i.start - interval 91 day), 0) as spent_91d, count(*) filter (where t.off > 0) as couponed
    from given i join (select distinct campaign_id, product_id from '@folder/coupons.parquet') k on k.campaign_id = i.g
    join t on t.h = i.h and t.p = k.product_id and t.moment < i.start group by all),
kinds as (select unnest(['Type A', 'Type B', 'Type C']) as kind, unnest([1, 2, 3]) as number)
select i.h::bigint as household, i.g::bigint as campaign, k.number::bigint as kind,
       date_diff('day', timestamp '2000-01-01', i.start)::bigint as start, date_diff('day', timestamp '2000-01-01', i.ends)::bigint as ends,
       coalesce(date_diff('day', timestamp '2000-01-01', r.moment), 0)::bigint as used,
       baskets, baskets_91d, baskets_28d, saved, taken, lines, products, coupons, range, bought, trips, spent, spent_91d, couponed,
       coalesce(ago, 400)::double as ago, (m.household_id is not null)::double as known
from given i join kinds k using (kind) left join redeemed r using (h, g) left join of_baskets using (h, g) left join fitting using (h, g)
left join range_of using (g) left join on_these using (h, g) left join '@folder/demographics.parquet' m on m.household_id = i.h
order by i.start, i.g, i.h
