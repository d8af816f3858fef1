-- title: Every row that a stage dropped
-- grain: one dropped line of the ledger
-- columns: stage, unit, source, id, reason, detail; in stage extract the id is source:key
select
    ledger.stage,
    ledger.unit,
    coalesce(documents.source, split_part(ledger.id, ':', 1)) as source,
    ledger.id,
    ledger.reason,
    ledger.detail
from ledger
left join documents on ledger.id = documents.id
where ledger.outcome = 'dropped'
