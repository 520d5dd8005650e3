-- DuckDB, over the package's Parquet files. One row per event: its local time and its JSON, in order of time.
-- @folder, @some (a condition on household_id), @source, @offset (of the brand's zone) are filled in.
with t as (select * from '@folder/transactions.parquet' where @some),
baskets as (
    select household_id, store_id, basket_id, min(transaction_timestamp) as moment,
           sum(round(sales_value * 100))::bigint as amount_fen,
           sum(round((retail_disc + coupon_disc + coupon_match_disc) * 100))::bigint as discount_fen,
           list({product: product_id::varchar, quantity: quantity, amount_fen: round(sales_value * 100)::bigint} order by product_id) as items
    from t group by household_id, store_id, basket_id),
-- A household is a member from a moment before its first basket.
members as (select household_id, min(moment) - interval 1 second as moment from baskets group by household_id),
campaigns as (
    select c.household_id, c.campaign_id, greatest(d.start_date, timestamp '2017-01-01') as moment, d.start_date,
           d.end_date + interval 1 day as expires
    from '@folder/campaigns.parquet' c join '@folder/campaign_descriptions.parquet' d using (campaign_id) where @some),
-- The table tells the day of a redemption alone: noon stands for it. Each row is one event.
redemptions as (
    select *, redemption_date + interval 12 hour as moment,
           row_number() over (order by household_id, campaign_id, coupon_upc, redemption_date) as number
    from '@folder/coupon_redemptions.parquet'),
events as (
    select moment, 0 as rank, household_id, 'registered-' || household_id as id, 'registered' as type, to_json({channel: 'store'}) as props
    from members
    union all
    select m.moment, 1, household_id, 'profile-' || household_id, 'profile_updated',
           to_json({traits: {age: d.age, income: d.income, home_ownership: d.home_ownership, marital_status: d.marital_status,
                             household_size: d.household_size, household_comp: d.household_comp, kids_count: d.kids_count}})
    from members m join '@folder/demographics.parquet' d using (household_id)
    union all
    select moment, 2, household_id, 'issue-c' || campaign_id || '-h' || household_id, 'coupon_issued',
           to_json({code: 'c' || campaign_id || '-h' || household_id, offer: 'campaign ' || campaign_id,
                    valid_from: strftime(start_date, '%Y-%m-%dT%H:%M:%S') || '@offset',
                    expires_at: strftime(expires, '%Y-%m-%dT%H:%M:%S') || '@offset'})
    from campaigns
    union all
    select moment, 3, household_id, 'order-' || basket_id, 'ordered',
           to_json({order_id: basket_id::varchar, amount_fen: amount_fen, discount_fen: discount_fen, store: store_id::varchar, items: items})
    from baskets
    union all
    select moment, 4, household_id, 'redemption-' || number, 'coupon_redeemed',
           to_json({code: 'c' || campaign_id || '-h' || household_id, coupon_upc: coupon_upc::varchar})
    from redemptions where @some)
select moment, to_json({id: id, source: '@source', type: type, "at": strftime(moment, '%Y-%m-%dT%H:%M:%S') || '@offset',
                    handles: {"shop:grocery": household_id::varchar}, props: props})::varchar as text
from events order by moment, rank, id
