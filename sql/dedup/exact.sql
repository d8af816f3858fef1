-- title: Documents that say the same
-- grain: one document that shares its folded text (width, case, blanks, variants made one) with another
-- columns: fold_hash, id
with several as (
    select fold_hash
    from keys
    group by fold_hash
    having count(*) > 1
)

select
    keys.fold_hash,
    keys.id
from keys
semi join several on keys.fold_hash = several.fold_hash
order by keys.fold_hash, keys.id
