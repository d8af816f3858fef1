-- title: What each rule holds back
-- grain: one rule in one domain
-- columns: rule_id, domain, documents (on which it holds), decided (of these, those that are not ALLOW)
-- order: 10
-- bars: documents
with hits as (
    select
        domain,
        verdict,
        unnest(rules) as rule_id
    from labels
)

select
    rule_id,
    domain,
    count(*) as documents,
    count(*) filter (where verdict <> 'ALLOW') as decided
from hits
group by rule_id, domain
order by documents desc, rule_id asc, domain asc
